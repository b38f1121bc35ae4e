"""`[downstream]` of the experiment file (section 6): tasks, sets of languages to pretrain on, the recipe of fine-tuning.

One frozen model a section, one line a field; the documentation's tables are made from them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bloodbank.experiment.settings import Code, Codes, Count, Settings, Share, TrainingSettings

SETS = ("most_donating", "random", "least_donating", "most_recipient", "least_recipient")
Select = Literal["final", "best_on_source_dev"]


class BalanceSettings(Settings):
    """How many training sentences each language has."""

    n_sentences: Count | None = Field(
        None, description="Training sentences of each language (paper: 1 000 for POS, 5 000 for NER, the default)"
    )
    too_few: Literal["keep", "cut_all"] = Field(
        "keep",
        description='Where a language has fewer: `"keep"` what it has and show it, or `"cut_all"` languages to the '
        "smallest",
    )
    choice: Literal["first", "sample"] = Field(
        "first",
        description='Which sentences: the `"first"` of the file (the paper truncates), or a `"sample"` without '
        "replacement, in the order of the file and the same in every run",
    )


class FinetuneSettings(Settings):
    """The recipe of fine-tuning, with the defaults of XTREME (Hu et al. 2020), which section 6 of the paper follows.

    AdamW's first moment decays by 0.9 and its epsilon is 1e-8, as there. Dropout on attention weights is that of
    pretraining (`[model]`); XTREME's BERT has 0.1 there too. What differs from XTREME: it keeps the
    checkpoint that is best on English dev text, here it is the last one unless `select` says otherwise; its loss is
    the mean of the means of four batches of 8 rows, here the mean over the words of all 32; its schedule is one update
    ahead of its optimiser, so that its first update has the rate of our second.

    Source: `scripts/train_udpos.sh`, `scripts/train_panx.sh`, `third_party/run_tag.py` of google-research/xtreme.
    """

    epochs: Count = Field(10, description="Passes over the training sentences (XTREME: 10)")
    batch_size: Count = Field(32, description="Rows in an update (XTREME: 32)")
    length: Annotated[int, Field(ge=8)] = Field(
        128, description="Pieces in a row at most, [CLS] and [SEP] included (XTREME: 128)"
    )
    learning_rate: Annotated[float, Field(gt=0.0)] = Field(
        2e-5, description="Peak learning rate of AdamW (XTREME: 2e-5); narrow models need a higher one"
    )
    warmup_share: Share = Field(
        0.0,
        description="Share of updates over which the rate rises to its peak (XTREME: 0); then it falls linearly to 0",
    )
    dropout: Share = Field(
        0.1,
        description="Dropout on embeddings, on the output of each block and before the classifier, whatever pretraining "
        "had (XTREME: 0.1)",
    )
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(
        0.0, description="Weight decay of matrices, not of biases and norms (XTREME: 0)"
    )
    beta2: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(
        0.999, description="Decay of the second moment of AdamW (XTREME: 0.999)"
    )
    clip_norm: Annotated[float, Field(gt=0.0)] = Field(
        1.0, description="Largest norm of a model's gradient (XTREME: 1)"
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Number type of what is computed while training (XTREME: float32); weights, their updates, losses "
        "and predictions are always float32",
    )
    select: Select = Field(
        "final",
        description='Which weights are kept: `"final"`, or `"best_on_source_dev"`: those of the epoch with the highest '
        "score on dev text of the language that was trained on; never of another language",
    )

    def training(self) -> TrainingSettings:
        """Return the recipe in the engine's terms."""
        return TrainingSettings(
            epochs=self.epochs, layout="rows", batch_size=self.batch_size, learning_rate=self.learning_rate,
            warmup_share=self.warmup_share, weight_decay=self.weight_decay, beta2=self.beta2, clip_norm=self.clip_norm,
            dtype=self.dtype, curve_points=0,
        )  # fmt: skip


# fmt: off


class TaskSettings(BalanceSettings):
    """`[downstream.tasks.NAME]`: where the sentences of a task lie, `pos` or `ner`, and how many train a tagger."""

    path: str = Field("", description="Folder with a folder or files for each language, relative to the experiment file: CoNLL-U for `pos`; the forms of WikiANN and XTREME, or plain BIO, for `ner`")
    dataset: str = Field("", description='Instead of `path`: a dataset of Hugging Face, as in `"unimelb-nlp/wikiann"`; needs `bloodbank[hub]`')
    configs: dict[Code, tuple[str, ...]] = Field({}, description="`dataset`: its configurations for each language; several are joined")
    labels: str = Field("", description='`dataset`: column of labels, `"upos"` or `"ner_tags"`')
    words: str = Field("tokens", description="`dataset`: column of words")
    label_names: tuple[str, ...] = Field((), description="`dataset`: names of the labels, in the order of their numbers, where it has numbers without names")
    revision: str = Field("", description="`dataset`: commit, tag or branch; the newest by default")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.dataset):
            raise ValueError("give either `path`, a folder, or `dataset`, a dataset of Hugging Face")
        if self.dataset and not (self.configs and self.labels):
            raise ValueError("`dataset` needs `configs` and `labels`")
        return self


class DownstreamSettings(Settings):
    """`[downstream]`: does the choice of pretraining languages carry over to zero-shot tasks?"""

    bank: str = Field("", description="Bank that the sets are chosen from: a run folder, `bank.json` or a matrix, relative to the experiment file, or the name of one that comes with bloodbank; by default the bank of this run")
    set_size: Count = Field(4, description="Languages in each of the sets Most Donating, Random and Least Donating (paper: 4)")
    recipient_size: Count = Field(3, description="Languages in each of the groups Most Recipient and Least Recipient (paper: 3)")
    most_donating: Codes = Field((), description="This set instead of the one that the bank says (paper: ja te fi ru)")
    random: Codes = Field((), description="The same (paper: he ga fr sv)")
    least_donating: Codes = Field((), description="The same (paper: ne my hy en)")
    most_recipient: Codes = Field((), description="This group instead of the one that the bank says (paper: hi de hu)")
    least_recipient: Codes = Field((), description="The same (paper: ar el ta)")
    exclude: Codes = Field((), description="Languages that no set is to have")
    more_sets: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")], Annotated[Codes, Field(min_length=1)]] = Field({}, description='More configurations by name, pretrained on exactly these languages, `{ "C and English" = ["de", "en"] }`')
    random_sets: Annotated[int, Field(ge=0)] = Field(0, description="Further random sets of `set_size` languages, each with C: Z is regressed on the sums of their D and R; 6 or more make sense")
    random_seed: Annotated[int, Field(ge=0)] = Field(0, description="Of the random sets")
    random_weights: bool = Field(True, description="Fine-tune the same network without pretraining too, so that a floor is not taken for transfer")
    bilingual: bool = Field(False, description='Fine-tune the bilingual models of this run on their donor too, and test them on their recipient: does F go with zero-shot scores? Needs `grid.keep_models = "all"` when the bank is measured')
    tasks: dict[Literal["pos", "ner"], TaskSettings] = Field({}, description="`[downstream.tasks.pos]`, `[downstream.tasks.ner]`, with the keys below")
    finetune: FinetuneSettings = FinetuneSettings()
    level: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.95, description="Probability that an interval holds the true value")

    def of_task(self, name: str) -> TaskSettings:
        """Return where the sentences of a task lie."""
        return dict[str, TaskSettings](self.tasks.items())[name]

    def given_sets(self) -> dict[str, tuple[str, ...]]:
        """Return the sets and groups that are given instead of chosen, by name."""
        return {name: getattr(self, name) for name in SETS if getattr(self, name)}
