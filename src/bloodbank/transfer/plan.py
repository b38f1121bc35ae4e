"""Which outputs an experiment needs: every text, the tokenizer, token ids, masks, models and scores, with keys.

Reads the experiment and hashes its sources; trains nothing. The plan of n languages has n monolingual models and
n(n−1) bilingual ones a seed, or only those that the restricted grid needs. Each budget has a plan of its own.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bloodbank.corpus import CORPUS_VERSION, FILTER_VERSION, Source, open_source
from bloodbank.errors import UsageError
from bloodbank.execution import computes_in_bfloat16
from bloodbank.experiment.load import Experiment
from bloodbank.experiment.settings import SourceSettings
from bloodbank.store import PROVENANCE, Output, Store, digest, replace_file
from bloodbank.tokenizer import TOKENIZER_VERSION, tokenizer_digest
from bloodbank.transfer.models import Cell, Model, Phase, cells_of, model_of, models_of, phase_of

# Raise one when the code of that stage changes what it writes.
PIVOT_VERSION, APART_VERSION = 1, 1
ENCODE_VERSION, AUDIT_VERSION, MASKS_VERSION, TRAIN_VERSION, SCORE_VERSION = 2, 5, 1, 3, 2
# The hash of the source stands for where it lies; the rest changes no text that is written.
_NO_TEXT = (
    *SourceSettings.model_fields, "sources", "more_budgets_chars", "budget_tokens", "too_little", "translations"
)  # fmt: skip
_STRETCH = ("pivot", "guard_paragraphs", "guard_anchors")


@dataclass
class Plan:
    """The outputs of an experiment with one budget.

    Attributes:
        experiment: Its settings, with one budget and a number type.
        corpora: Text of each language, of the extra ones too.
        pivot: Where a stretch is chosen, which is then found in all texts.
        drafts: Text of each language before translations of others' test text are dropped, where that was asked.
        uncut: The same before all are cut to the smallest, where that was asked.
        tokenizer: The tokenizer.
        tokens, masks: Ids of each language; masks on its test text.
        others, other_tokens: Other text of each language, where the control `self` needs it, and its ids.
        models: The trained models.
        scores: The scores of each cell.
        audits: What is found out about the text of each language.
        audit: The same of all of them together.
        full_audit: Whether a large source is read whole for it.
        suffix: Ends the labels of all budgets but the first.
    """

    experiment: Experiment
    corpora: dict[str, Output] = field(default_factory=dict)
    pivot: Output | None = None
    drafts: dict[str, Output] = field(default_factory=dict)
    uncut: dict[str, Output] = field(default_factory=dict)
    tokenizer: Output = field(default_factory=lambda: Output("tokenizer", "tokenizer", ""))
    tokens: dict[str, Output] = field(default_factory=dict)
    masks: dict[str, Output] = field(default_factory=dict)
    others: dict[str, Output] = field(default_factory=dict)
    other_tokens: dict[str, Output] = field(default_factory=dict)
    models: dict[Model, Output] = field(default_factory=dict)
    scores: dict[Cell, Output] = field(default_factory=dict)
    audits: dict[str, Output] = field(default_factory=dict)
    audit: Output | None = None
    full_audit: bool = False
    suffix: str = ""

    @property
    def outputs(self) -> list[Output]:
        """All outputs, in the order in which they are made."""
        tables = (self.others, self.tokens, self.other_tokens, self.audits, self.masks, self.models, self.scores)
        pivot = [self.pivot] if self.pivot else []
        texts = (*pivot, *self.drafts.values(), *self.uncut.values(), *self.corpora.values())
        return [
            *dict.fromkeys(texts),
            self.tokenizer,
            *(output for table in tables for output in table.values()),
            *audits_of(self)[-1:],
        ]

    def keys(self) -> dict[str, str]:
        """Return `STAGE/LABEL` -> key: what a run folder holds for this plan."""
        return {f"{output.stage}/{output.label}": output.key for output in self.outputs}

    @property
    def protocols(self) -> tuple[str, ...]:
        """All protocols that a bank is made of: the experiment's, and zero-shot scores where measured beside."""
        asked = self.experiment.grid.protocols
        beside = "zero_shot" not in asked and any(cell.protocol == "zero_shot" for cell in self.scores)
        return (*asked, "zero_shot") if beside else asked

    @property
    def folder(self) -> str:
        """Where in the run folder its results go: the folder itself for the first budget."""
        return f"budget-{self.experiment.corpus.budget_chars}" if self.suffix else "."


def make_plans(experiment: Experiment, cache: Path | None = None, *, full_audit: bool = False) -> list[Plan]:
    """Resolve the keys of all outputs, for each budget; all have the tokenizer of the first.

    Args:
        experiment: Settings.
        cache: File that remembers the hashes of sources that have not changed since; None: hash them all.
        full_audit: Whether the audit reads large sources whole.

    Raises:
        UsageError: A source is missing or the grid is empty.
    """
    digests, experiment = source_digests(experiment, cache)
    plans: list[Plan] = []
    for budget in experiment.corpus.budgets:
        plan = _make_plan(_resolved(experiment, budget), digests, plans[0] if plans else None)
        _plan_audit(plan, full=full_audit)
        plans.append(plan)
    return plans


def make_plan(experiment: Experiment, cache: Path | None = None) -> Plan:
    """Resolve the keys of all outputs of the first budget; see `make_plans`."""
    return make_plans(experiment, cache)[0]


def _resolved(experiment: Experiment, budget: int) -> Experiment:
    """Cut settings to one budget, and say what `dtype = "auto"` means here."""
    corpus = experiment.corpus.model_copy(update={"budget_chars": budget, "more_budgets_chars": ()})
    dtype = experiment.training.dtype
    if dtype == "auto":
        dtype = "bfloat16" if computes_in_bfloat16(experiment.execution.device) else "float32"
    training = experiment.training.model_copy(update={"dtype": dtype})
    return experiment.model_copy(update={"corpus": corpus, "training": training})


def _make_plan(experiment: Experiment, digests: dict[str, str], first: Plan | None) -> Plan:
    plan = Plan(experiment, suffix=f"_{experiment.corpus.budget_chars}chars" if first else "")
    cells = cells_of(experiment)
    phases = {model: phase_of(model, experiment) for model in models_of(cells)}
    needed = tuple(digests) if first is None else experiment.languages
    if experiment.corpus.parallel == "stretch":
        plan.pivot = _pivot_of(plan, digests)
    plan.corpora = {language: _text_of(plan, digests, language) for language in needed}
    if experiment.corpus.translations == "drop":
        plan.drafts, plan.corpora = plan.corpora, _apart(plan)
    if experiment.corpus.too_little == "smallest":
        plan.uncut, plan.corpora = plan.corpora, _cut(plan)
    plan.tokenizer = first.tokenizer if first else Output("tokenizer", "tokenizer", _tokenizer_key(plan))
    _plan_tokens(plan, digests, phases, cells)
    _plan_models(plan, phases)
    for cell in cells:
        key = digest(SCORE_VERSION, cell.protocol, plan.models[model_of(cell)].key, plan.masks[cell.recipient].key)
        plan.scores[cell] = Output("scores", cell.label + plan.suffix, key)
    return plan


def _text_of(plan: Plan, digests: dict[str, str], language: str, *more: str) -> Output:
    """Return the text of a language: it depends on its source and on what is done to it."""
    pivot = [plan.pivot.key] if plan.pivot and needs_pivot(plan.experiment, language) else []
    label = "_".join((language, *more)) + plan.suffix
    return Output("corpus", label, digest(*_done_to_text(plan), language, digests[language], *more, *pivot))


def _done_to_text(plan: Plan) -> list[Any]:
    """Return what is done to the text of every language, as a part of its key."""
    settings = plan.experiment.corpus
    without = {*_NO_TEXT, *(() if settings.parallel == "stretch" else _STRETCH)}
    done = {key: value for key, value in settings.model_dump().items() if key not in without}
    return [CORPUS_VERSION, *([FILTER_VERSION] if settings.contamination == "filter" else []), done]


def pivot_language(experiment: Experiment) -> str:
    """Return the language in whose text a stretch is chosen."""
    return experiment.corpus.pivot or experiment.languages[0]


def needs_pivot(experiment: Experiment, language: str) -> bool:
    """Tell whether a stretch is looked for in a language's text: not in the pivot's, nor in the tokenizer's alone."""
    stretch = experiment.corpus.parallel == "stretch"
    return stretch and language in experiment.languages and language != pivot_language(experiment)


def _pivot_of(plan: Plan, digests: dict[str, str]) -> Output:
    language = pivot_language(plan.experiment)
    if language not in plan.experiment.languages:
        raise UsageError(
            f'corpus.pivot = "{language}", which is not among the languages: {", ".join(plan.experiment.languages)}.'
        )
    key = digest(PIVOT_VERSION, *_done_to_text(plan), language, digests[language])
    return Output("corpus", f"{language}_pivot{plan.suffix}", key)


def _apart(plan: Plan) -> dict[str, Output]:
    """Return the texts without translations of others' test text: each depends on all of the bank's languages."""
    keys = [plan.corpora[language].key for language in sorted(plan.experiment.languages)]
    apart = {
        language: Output("corpus", f"{plan.corpora[language].label}_apart", digest(APART_VERSION, language, keys))
        for language in plan.experiment.languages
    }
    return plan.corpora | apart


def _plan_tokens(plan: Plan, digests: dict[str, str], phases: dict[Model, Phase], cells: list[Cell]) -> None:
    """Add the ids and masks of all text that is read or scored."""
    experiment, suffix = plan.experiment, plan.suffix
    limit = [] if experiment.corpus.budget_tokens is None else [experiment.corpus.budget_tokens]
    layout: list[str | int] = [experiment.training.layout, experiment.model.n_positions]
    scoring = experiment.scoring.model_dump(exclude={"metric", "baseline"})
    if experiment.training.candidates != "vocabulary":
        layout.append(experiment.training.candidates)
    read = [text for phase in phases.values() for text in phase.texts]
    for language in dict.fromkeys([*(text.language for text in read), *(cell.recipient for cell in cells)]):
        tokens = digest(ENCODE_VERSION, plan.corpora[language].key, plan.tokenizer.key, *limit)
        plan.tokens[language] = Output("tokens", f"{language}{suffix}", tokens)
        plan.masks[language] = Output("masks", f"{language}{suffix}", digest(MASKS_VERSION, tokens, layout, scoring))
    for language in dict.fromkeys(text.language for text in read if text.part == "other"):
        other = plan.others[language] = _text_of(plan, digests, language, "other")
        tokens = digest(ENCODE_VERSION, other.key, plan.tokenizer.key, *limit)
        plan.other_tokens[language] = Output("tokens", f"{language}_other{suffix}", tokens)


def _plan_models(plan: Plan, phases: dict[Model, Phase]) -> None:
    """Add the models, donors before those that go on from them."""
    experiment = plan.experiment
    training = experiment.training.model_dump(exclude={"epochs", "epochs_bilingual"})
    if training["candidates"] == "vocabulary":
        del training["candidates"]
    for model, phase in phases.items():
        texts = [
            (text.language, tokens_of(plan, text.language, text.part).key, text.shuffled, *["clone"] * text.respelled)
            for text in phase.texts
        ]
        donor = plan.models[model.donor_model].key if model.donor_model else None
        key = digest(
            TRAIN_VERSION, experiment.model.model_dump(), training, plan.tokenizer.key, texts, phase.epochs,
            phase.share, phase.trained, donor, model.seed,
        )  # fmt: skip
        plan.models[model] = Output("models", model.label + plan.suffix, key)


def _plan_audit(plan: Plan, *, full: bool) -> None:
    """Add the audit: it depends on text, pieces, and how large sources are compared."""
    plan.full_audit = full
    name = "_full" if full else ""
    for language in plan.experiment.languages:
        if language in plan.tokens:
            key = digest(AUDIT_VERSION, plan.corpora[language].key, plan.tokens[language].key, full)
            plan.audits[language] = Output("audit", f"{language}{name}{plan.suffix}", key)
    keys = [output.key for output in plan.audits.values()]
    plan.audit = Output("audit", f"all{name}{plan.suffix}", digest(AUDIT_VERSION, keys))


def prefer_full_audit(plan: Plan, store: Store) -> None:
    """Take the audit that read large sources whole, where it is there already: it says more than another sample."""
    _plan_audit(plan, full=True)
    if not all(map(store.has, plan.audits.values())):
        _plan_audit(plan, full=False)


def audits_of(plan: Plan) -> list[Output]:
    """Return the outputs of the audit, the one of all languages last."""
    return [*plan.audits.values(), *([plan.audit] if plan.audit else [])]


def _cut(plan: Plan) -> dict[str, Output]:
    """Return the texts cut to the smallest: each depends on all of the bank's languages."""
    keys = [plan.corpora[language].key for language in sorted(plan.experiment.languages)]
    how = "cut, each text once"
    return {
        language: Output("corpus", f"{output.label}_cut", digest(CORPUS_VERSION, how, output.key, keys))
        for language, output in plan.corpora.items()
    }


def tokens_of(plan: Plan, language: str, part: str) -> Output:
    """Return the token ids that hold a part of a language's text."""
    return (plan.other_tokens if part == "other" else plan.tokens)[language]


def targets_of(plan: Plan) -> list[Output]:
    """Return the outputs that must be there at the end: all scores, and the models that are kept."""
    return [*(output for model, output in plan.models.items() if is_kept(plan, model)), *plan.scores.values()]


def is_kept(plan: Plan, model: Model) -> bool:
    """Tell whether a model stays on disk after the run; donors stay until then."""
    keep = plan.experiment.grid.keep_models
    finetuned = model.kind == "set" and bool(plan.experiment.downstream.tasks)
    return keep == "all" or (keep == "monolingual" and model.kind == "monolingual") or finetuned


def _tokenizer_key(plan: Plan) -> str:
    settings = plan.experiment.tokenizer
    if settings.path:
        return _key_of_given(Path(settings.path))
    texts = [plan.corpora[language].key for language in sorted(plan.corpora)]
    kept = settings.model_dump(exclude={"path", "extra_languages"})
    return digest(TOKENIZER_VERSION, kept, texts)


def _key_of_given(folder: Path) -> str:
    """Return the key of a tokenizer given by path: its own, where a run made it, so that this run can go on."""
    content = tokenizer_digest(folder)
    label, _, key = folder.name.rpartition("-")
    if label == "tokenizer" and (folder / PROVENANCE).is_file():
        return key
    return digest(TOKENIZER_VERSION, content)


# What the sources of an experiment hold, as hashes: where they lie is in no key.


def source_digests(experiment: Experiment, cache: Path | None) -> tuple[dict[str, str], Experiment]:
    """Hash the source of every language; all that are missing are named at once.

    Args:
        experiment: Settings.
        cache: File that remembers the hashes of sources that have not changed since; None: hash them all.

    Returns:
        The hashes, and the settings with the commit of every data set of the hub, so that what another process reads
        later is what was hashed.

    Raises:
        UsageError: Sources are missing or cannot be read.
    """
    known: dict[str, str] = {}
    if cache is not None:
        with suppress(OSError, ValueError):  # only a memory of hashes: a damaged one is made anew
            known = json.loads(cache.read_text(encoding="utf-8"))
    digests, wrong, remembered = {}, [], {}
    pinned = dict(experiment.corpus.sources)
    extra = () if experiment.tokenizer.path else experiment.tokenizer.extra_languages
    for language in (*experiment.languages, *extra):
        settings = experiment.corpus.source_of(language)
        try:
            source = open_source(settings, language)
            mark = _mark(source, settings)
            digests[language] = known.get(mark) or source.digest()
            remembered[mark] = digests[language]
            if settings.dataset:
                commit = str(source.describe().get("revision") or settings.revision)
                pinned[language] = settings.model_copy(update={"revision": commit})
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(dict.fromkeys(wrong)))
    remembered.pop("", None)
    if cache is not None and not remembered.items() <= known.items():
        with replace_file(cache) as temporary:
            temporary.write_text(json.dumps(known | remembered), encoding="utf-8")
    corpus = experiment.corpus.model_copy(update={"sources": pinned})
    return digests, experiment.model_copy(update={"corpus": corpus})


def _mark(source: Source, settings: SourceSettings) -> str:
    """Name the files of a source as they are now; empty where there are none, since only the hub knows."""
    files = source.files()
    try:
        stats = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    except OSError as error:
        raise UsageError(f"{files[0]}: cannot be read: {error.strerror}.") from None
    text = "\n".join([settings.model_dump_json(exclude={"licence"}), *stats])
    return hashlib.sha256(text.encode()).hexdigest() if files else ""
