"""The sections of the experiment file: one frozen model a section, one line a field.

Each field says its meaning, its unit and the paper's value; the documentation's tables are made from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bloodbank.errors import UsageError
from bloodbank.experiment.protocols import Protocol
from bloodbank.languages import get_language


def _known(code: str) -> str:
    try:
        return get_language(code).code
    except UsageError as error:
        raise ValueError(str(error)) from None  # pydantic says where it stands


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"named more than once: {', '.join(twice)}; name each once")
    return values


Code = Annotated[str, AfterValidator(_known)]
Codes = Annotated[tuple[Code, ...], AfterValidator(_distinct)]
Seeds = Annotated[tuple[Annotated[int, Field(ge=0, strict=True)], ...], AfterValidator(_distinct)]
Count = Annotated[int, Field(gt=0, strict=True)]
Budgets = Annotated[tuple[Count, ...], AfterValidator(_distinct)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]

Control = Literal["self", "clone", "equal", "longer", "shuffled"]
Baseline = Literal["alone", "equal", "longer"]
FOREIGN_LIMIT = 0.05  # share of characters in other languages above which a language is flagged


# fmt: off


class Settings(BaseModel):
    """A section of the experiment file: unknown keys are refused, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True, allow_inf_nan=False
    )


class SourceSettings(Settings):
    """`[corpus.sources.CODE]`: where the text of one language comes from, instead of what `[corpus]` says."""

    source: Literal["text", "wikipedia", "hub"] = Field("text", description='`"text"`: files of one paragraph a line. `"wikipedia"`: dumps, `pages-articles`. `"hub"`: a dataset of Hugging Face, or local Parquet and JSON Lines files')
    path: str = Field("", description="Files, folders or patterns (`*`), with `{language}` for the code; relative to the experiment file. Text: plain, .gz, .bz2, .xz or .zst; a folder stands for all files in it")
    dataset: str = Field("", description='`"hub"`: name of the dataset, as in `"wikimedia/wikipedia"`; may hold `{language}`')
    config: str = Field("", description='`"hub"`: its configuration, as in `"20231101.{language}"`')
    split: str = Field("train", description='`"hub"`: its split')
    column: str = Field("text", description='`"hub"`: the column that holds the text; may hold `{language}`')
    key_column: str = Field("", description='`"hub"` with `parallel = "keys"`: the column that names the same record in every language')
    revision: str = Field("", description='`"hub"`: a commit or tag of the dataset; the newest by default, which is then written down')
    licence: str = Field("", description="Licence of the text, for the data card; by default what the source says of itself")

    def names_language(self) -> bool:
        """Tell whether the code of the language stands in what names the text."""
        return any("{language}" in value for value in (self.path, self.dataset, self.config, self.split, self.column))

    def of(self, language: str) -> SourceSettings:
        """Put a language's code in its place."""
        named = {key: value.replace("{language}", language) for key, value in self._source().items()}
        return SourceSettings.model_validate(named)

    def _source(self) -> dict[str, str]:
        return {key: getattr(self, key) for key in SourceSettings.model_fields}


class CorpusSettings(SourceSettings):
    """`[corpus]`: which text, and how much of it (section 3)."""

    sources: dict[Code, SourceSettings] = Field({}, description="Sources of single languages, `[corpus.sources.de]`, with the keys above")
    parallel: Literal["no", "lines", "stretch", "keys"] = Field("no", description='Translations of each other? `"lines"`: line i is the same message in every file; `"stretch"`: the same book, not aligned by line; `"keys"`: records with the same key (`key_column`). Then the same messages or the same stretch are held out in every language')
    budget_chars: Count = Field(10_000_000, description="Training text per language, in characters (paper: 10 million)")
    budget_bytes: Count | None = Field(None, description="Training text per language in bytes of UTF-8, instead of characters")
    budget_tokens: Count | None = Field(None, description="Training text per language in pieces of the tokenizer: it is trained on `budget_chars` of every language, and encoding cuts to so many pieces")
    more_budgets_chars: Budgets = Field((), description="Further budgets, in characters; one bank each, with the tokenizer of the first and the same test text. Of two budgets the smaller text is the beginning of the larger")
    too_little: Literal["fail", "smallest", "keep"] = Field("fail", description='A language has less than the budget: `"fail"`; `"smallest"`: all are cut to the smallest; `"keep"`: it stays short, and is marked')
    dev_chars: Count = Field(100_000, description="Dev text per language, in characters")
    test_chars: Count = Field(200_000, description="Test text per language, in characters")
    sampling: Literal["consecutive", "streams"] = Field("consecutive", description='`"consecutive"`: text that follows on from one seeded place (paper). `"streams"`: from `n_streams` seeded places')
    n_streams: Count = Field(100, description='`sampling = "streams"`: number of places')
    unit: Literal["paragraph", "sentence"] = Field("paragraph", description="What stands on a line of the corpus: a unit of test text, and of `rows` (paper: sentence)")
    cleaning: Literal["standard", "minimal"] = Field("standard", description='`"standard"`: lines without a letter and boilerplate are left out. `"minimal"`: only what is done to every line: Unicode form C, invisible and control characters, white space')
    duplicates: Literal["drop", "keep"] = Field("drop", description="Paragraphs that stand in the text already, but for case and spaces")
    near_duplicates: Literal["report", "drop"] = Field("report", description="Paragraphs that are nearly the same as an earlier one: counted by the audit, or left out")
    contamination: Literal["report", "filter"] = Field("report", description="Paragraphs in another language: counted by the audit, or left out")
    heldout_share: Annotated[float, Field(gt=0.0, le=0.5)] = Field(0.1, description="Parallel sources only: share of the source that is held out for dev and test, at the same place in every language")
    pivot: Code | None = Field(None, description='`parallel = "stretch"` only: the language in whose text the stretch is chosen; it is found in all others by what stands in both. By default the first language of the experiment')
    guard_paragraphs: Annotated[int, Field(ge=0, strict=True)] = Field(20, description='`parallel = "stretch"` only: paragraphs left out on either side of what is held out')
    guard_anchors: Annotated[int, Field(ge=0, strict=True)] = Field(2, description='`parallel = "stretch"` only: places known in both books that are left out on either side as well')
    translations: Literal["report", "drop"] = Field("report", description="Training paragraphs that seem to translate another language's test text: counted by the audit, or left out, and made up for from the source")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Where in the source the text starts; a matter of the corpus, not a replicate")

    def source_of(self, language: str) -> SourceSettings:
        """Return where a language's text comes from."""
        return self.sources.get(language, self).of(language)

    @property
    def budgets(self) -> tuple[int, ...]:
        """All budgets, in characters; on the text of the first the tokenizer is trained."""
        return (self.budget_chars, *self.more_budgets_chars)

    @model_validator(mode="after")
    def _budgets_fit_together(self) -> Self:
        if self.budget_chars in self.more_budgets_chars:
            raise ValueError(f"more_budgets_chars names {self.budget_chars:,}, which is budget_chars already")
        for key, value in (("budget_bytes", self.budget_bytes), ("budget_tokens", self.budget_tokens)):
            if self.more_budgets_chars and value is not None:
                raise ValueError(f"more_budgets_chars are characters; leave them out with {key}, or {key} out with them")
        if self.more_budgets_chars and self.sampling == "streams":
            raise ValueError(
                'more_budgets_chars need sampling = "consecutive", where a smaller text is the beginning of a larger'
            )
        return self

    @model_validator(mode="after")
    def _sampling_fits_the_source(self) -> Self:
        if self.parallel != "no" and self.sampling == "streams":
            raise ValueError('sampling = "streams" is for texts that are not parallel; those hold out one stretch')
        kinds = {self.source, *(source.source for source in self.sources.values())}
        if self.parallel == "lines" and kinds != {"text"}:
            raise ValueError(
                'parallel = "lines" is for text files; records of a data set are told apart by keys: parallel = "keys" '
                "and key_column"
            )
        if self.parallel in ("lines", "keys") and self.unit == "sentence":
            raise ValueError(f'parallel = "{self.parallel}" keeps lines as they are; leave unit = "paragraph"')
        return self


class TokenizerSettings(Settings):
    """`[tokenizer]`: the one WordPiece vocabulary that all models share (section 4.1)."""

    path: str | None = Field(None, description="Use this tokenizer (a folder with `tokenizer.json`) instead of training one; then languages can be added to a finished run")
    extra_languages: Codes = Field((), description="Languages whose text only the tokenizer sees (paper: 19)")
    vocab_size: Count = Field(30_000, description="Pieces in the vocabulary (paper: 100 000)")
    min_frequency: Count = Field(2, description="Times a piece must occur to be kept (paper: 3)")
    alphabet_share: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.5, description="Largest share of the vocabulary that single characters may take, the most frequent first")
    normalization: Literal["nfc", "bert"] = Field("nfc", description='`"nfc"`: nothing is lost. `"bert"`: lower case, accents stripped, as in the paper; harms many scripts')


class ModelSettings(Settings):
    """`[model]`: BERT (section 4.1)."""

    n_layers: Count = Field(4, description="Layers (paper: 4)")
    n_heads: Count = Field(4, description="Attention heads per layer (paper: 4)")
    hidden_size: Count = Field(512, description="Width (paper: 512)")
    feed_forward_size: Count = Field(3_072, description="Width of the feed-forward layers (paper: 3 072)")
    n_positions: Annotated[int, Field(ge=8)] = Field(128, description="Pieces in a sequence, [CLS] and [SEP] included (paper: 128)")
    dropout: Share = Field(0.0, description="Dropout on embeddings and on the output of each block (paper: 0.1); with a few passes over the text it costs more than it brings, with dozens raise it")
    attention_dropout: Share = Field(0.0, description="Dropout on attention weights (paper: 0.1); above 0 the slower attention is used")

    initialization: Literal["local", "scaled", "bert"] = Field("local", description='`"local"`: each head first looks one, two, … places to the left or right, words and positions have dimensions of their own; leaves the unigram plateau within a few hundred updates, where the others may stay. `"scaled"`: linear layers with 1/√inputs and positions with 0.1. `"bert"`: all matrices normal with standard deviation 0.02 (paper)')

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.hidden_size % self.n_heads:
            raise ValueError(f"hidden_size {self.hidden_size} cannot be divided among n_heads {self.n_heads}")
        if self.initialization == "local" and self.hidden_size < 2 * self.n_heads:
            raise ValueError(
                f'initialization = "local" needs heads of width 2 or more; hidden_size {self.hidden_size} among n_heads '
                f'{self.n_heads} leaves 1: fewer heads, or "scaled"'
            )
        return self


class TrainingSettings(Settings):
    """`[training]`: the recipe, the same for every model."""

    epochs: Count = Field(4, description="Passes over the training text of a monolingual model, which is the donor too (paper: 4)")
    epochs_bilingual: Count = Field(4, description="Passes over the recipient's text in the second phase of a bilingual model")
    layout: Literal["packed", "rows"] = Field("packed", description='`"packed"`: paragraphs fill whole sequences, so equal data means nearly equal updates. `"rows"`: one line a row, padded, as in the paper')
    batch_size: Count = Field(8, description="Sequences in an update (paper: 8)")
    optimiser: Literal["adamw", "muon"] = Field("adamw", description='`"adamw"`: for all weights (paper). `"muon"`: the matrices of the encoder move along their orthogonalised momentum, all else by AdamW; learns more in a pass over little text')
    learning_rate: Annotated[float, Field(gt=0.0)] = Field(3e-4, description="Peak learning rate of AdamW (paper: 5e-5); narrower models bear more, see the engine's page")
    matrix_learning_rate: Annotated[float, Field(gt=0.0)] = Field(0.015, description='`optimiser = "muon"` only: peak learning rate of the matrices of the encoder; rises and falls with the other')
    warmup_share: Share = Field(0.1, description="Share of updates over which the rate rises to its peak (paper: 0); then it falls linearly to 0")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(0.01, description="Weight decay of matrices, not of biases and norms (paper: 0)")
    beta2: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.98, description="Decay of the second moment of AdamW (paper: 0.999)")
    clip_norm: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Largest norm of a model's gradient (paper: 1.0)")
    mask_share: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.4, description="Share of pieces to predict while training; more of them teach more in a pass over little text; of these 80% show [MASK], 10% a random piece, 10% themselves (paper: 0.15)")
    dtype: Literal["auto", "float32", "bfloat16"] = Field("auto", description='Number type of what is computed while training; weights, their updates, losses and scores are always float32. `"auto"`: bfloat16 where the processor or GPU computes in it, else float32; what it meant is part of every key')
    candidates: Literal["vocabulary", "text"] = Field("vocabulary", description='Pieces that a model chooses from. `"vocabulary"`: all. `"text"`: those that the training, dev and test text of its last phase has, and all models of a recipient are ranked over those of the recipient; faster, see the engine\'s page. Not with `zero_shot` or downstream tasks')
    compile: bool = Field(False, description="Compile the encoder with torch.compile: 10 to 40 s at the start of each task and needs a C++ compiler")
    curve_points: Annotated[int, Field(ge=0)] = Field(30, description="Points of the loss curve on dev text, log-spaced in tokens seen; 0 for no curves")


class ScoringSettings(Settings):
    """`[scoring]`: masks on the test text, the same for every model that is scored on it."""

    mask_share: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.15, description="Probability that a piece is masked in a round")
    min_masked: Count = Field(10_000, description="Disjoint rounds of masks are added until so many pieces were masked, or every piece once")
    corruption: Literal["mask", "bert"] = Field("mask", description='What a masked piece shows: `"mask"` always [MASK], `"bert"` 80/10/10 (paper)')
    metric: Literal["mrr", "accuracy", "cross_entropy", "bits_per_byte"] = Field("mrr", description="Metric of the bank (paper: mrr); all four are measured")
    baseline: Baseline = Field("alone", description='What F of the bank is relative to. `"alone"`: M_t (paper). `"equal"`: M_t with as many passes over t as the bilingual model makes, `"longer"`: with as many updates as it has in all; such a control is measured without being named. The order of donors within a recipient does not depend on it')


class GridSettings(Settings):
    """`[grid]`: which cells are measured."""

    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1), AfterValidator(_distinct)] = Field(("sequential",), description='How bilingual models are trained; one bank each. `"sequential"`: on the donor, then on the recipient. `"joint"`: on both, mixed; one model per unordered pair. `"frozen"`: as sequential, but on the recipient only word embeddings and MLM head learn. `"zero_shot"`: the donor\'s own model, scored on the recipient')
    controls: Annotated[tuple[Control, ...], AfterValidator(_distinct)] = Field((), description='What F is compared with. `"self"`: the donor is other text of the recipient (needs twice the text). `"clone"`: the donor is the recipient\'s own text in other symbols, each piece written as another. `"equal"`: M_t with the passes over t that the bilingual model makes, where donors read their text more often (`epochs`) than recipients theirs (`epochs_bilingual`). `"longer"`: M_t with as many epochs as the bilingual model has, in one schedule. `"shuffled"`: the donor\'s pieces in random order')
    match: Literal["tokens", "total"] = Field("tokens", description='`joint` only. `"tokens"`: each language brings what it brings to its own M_t. `"total"`: all together bring what one M_t reads')
    zero_shot: bool = Field(True, description="Score every monolingual model on every recipient too, beside what `protocols` says: no training, n² scorings; not with `candidates = \"text\"`")
    sets: tuple[Annotated[Codes, Field(min_length=2)], ...] = Field((), description='Sets of languages to pretrain on jointly, `[["de", "fi", "hu"], ...]`; scored on each of their languages, in no bank')
    donors: Codes | None = Field(None, description="Only these languages give; all by default")
    recipients: Codes | None = Field(None, description="Only these languages receive; all by default")
    pairs: tuple[tuple[Code, Code], ...] | None = Field(None, description='Only these ordered pairs, `[["fi", "de"], ...]`: donor first')
    keep_models: Literal["monolingual", "all", "none"] = Field("monolingual", description="Which trained models stay on disk")
    include_unhealthy: bool = Field(False, description="Count cells of unhealthy models in the bank")

    @model_validator(mode="after")
    def _one_way_to_restrict(self) -> Self:
        if self.pairs is not None and (self.donors is not None or self.recipients is not None):
            raise ValueError("give `pairs`, or `donors` and `recipients`, not both")
        for donor, recipient in self.pairs or ():
            if donor == recipient:
                raise ValueError(f"pair [{donor}, {recipient}]: a language is not its own donor")
        return self

    @model_validator(mode="after")
    def _controls_control_something(self) -> Self:
        trained = [protocol for protocol in self.protocols if protocol != "zero_shot"]
        if "longer" in self.controls and (not trained or (trained == ["joint"] and self.match == "total")):
            raise ValueError("`longer` is M_t itself where no bilingual model is trained for longer; leave it out")
        return self


class ExecutionSettings(Settings):
    """`[execution]`: where the work runs; in no key, so it may change between two calls."""

    workers: Annotated[int, Field(ge=0)] = Field(0, description="Processes that train at the same time; 0: one a core, or one a GPU")
    threads: Count = Field(1, description="Threads of each worker; results are equal to the last digit for the same number of threads")
    gang: Annotated[int, Field(ge=0)] = Field(0, description="Models that are trained side by side in one process; 0: on a GPU as many as pay, timed once and remembered in the run folder, on a CPU 1")
    checkpoint_seconds: Annotated[float, Field(ge=0.0)] = Field(600.0, description="Time between two checkpoints of models in training, in seconds; 0 for none")
    tensorboard: bool = Field(False, description="Write TensorBoard event files with the loss curves into the run folder; needs the package `tensorboard`")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where models are trained; `auto` takes a GPU where there is one")
