"""Which outputs an experiment needs: every text, the tokenizer, token ids, masks, models and scores, with keys.

Reads the experiment and hashes its sources; trains nothing. The plan of n languages has n monolingual models and
n(n−1) bilingual ones a seed, or only those that the restricted grid needs.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bloodbank.corpus import CORPUS_VERSION, check_is_file, source_digest
from bloodbank.errors import UsageError
from bloodbank.execution import Task
from bloodbank.experiment import Experiment
from bloodbank.store import PROVENANCE, Output, digest, replace_file
from bloodbank.tokenizer import TOKENIZER_VERSION, tokenizer_digest

# Raise one when the code of that stage changes what it writes.
ENCODE_VERSION, MASKS_VERSION, TRAIN_VERSION, SCORE_VERSION = 1, 1, 1, 1
_TASKS = "bloodbank.transfer.tasks"


@dataclass(frozen=True, order=True)
class Cell:
    """One measurement.

    Attributes:
        protocol: `monolingual` or the protocol of the pair.
        donor: Code; empty for a monolingual model.
        recipient: Code of the language it is scored on.
        seed: Replicate.
    """

    protocol: str
    donor: str
    recipient: str
    seed: int

    @property
    def label(self) -> str:
        """Readable name: `de_seed0`, `fi_de_seed0` (donor first); no code holds an underscore."""
        return "_".join(filter(None, (self.donor, self.recipient, f"seed{self.seed}")))


@dataclass
class Plan:
    """The outputs of an experiment.

    Attributes:
        experiment: Its settings.
        corpora: Text of each language, of the extra ones too.
        tokenizer: The tokenizer.
        tokens, masks: Ids of each language; masks on its test text.
        models: The trained model of each cell.
        scores: The scores of each cell.
    """

    experiment: Experiment
    corpora: dict[str, Output] = field(default_factory=dict)
    tokenizer: Output = field(default_factory=lambda: Output("tokenizer", "tokenizer", ""))
    tokens: dict[str, Output] = field(default_factory=dict)
    masks: dict[str, Output] = field(default_factory=dict)
    models: dict[Cell, Output] = field(default_factory=dict)
    scores: dict[Cell, Output] = field(default_factory=dict)

    @property
    def outputs(self) -> list[Output]:
        """All outputs, in the order in which they are made."""
        found = [*self.corpora.values(), self.tokenizer, *self.tokens.values(), *self.masks.values()]
        return [*found, *self.models.values(), *self.scores.values()]

    def keys(self) -> dict[str, str]:
        """Return `STAGE/LABEL` -> key: what a run folder holds for this plan."""
        return {f"{output.stage}/{output.label}": output.key for output in self.outputs}


def cells_of(experiment: Experiment) -> list[Cell]:
    """Return the cells of an experiment: first the monolingual ones that it needs, then the pairs.

    A pair has the seeds that both its languages have.
    """
    grid, languages = experiment.grid, experiment.languages
    pairs = grid.pairs or [
        (donor, recipient)
        for recipient in languages
        if recipient in (grid.recipients or languages)
        for donor in languages
        if donor in (grid.donors or languages) and donor != recipient
    ]
    monolingual, bilingual = set(), []
    for donor, recipient in dict.fromkeys(pairs):
        for seed in experiment.seeds_of(recipient):
            if seed in experiment.seeds_of(donor):
                bilingual.append(Cell(grid.protocol, donor, recipient, seed))
                monolingual |= {
                    Cell("monolingual", "", donor, seed),
                    Cell("monolingual", "", recipient, seed),
                }
    if not bilingual:
        raise UsageError("The grid is empty: no donor and recipient are left. Widen `grid` or name more languages.")
    order = {language: index for index, language in enumerate(languages)}
    return [
        *sorted(monolingual, key=lambda cell: (cell.seed, order[cell.recipient])),
        *sorted(bilingual, key=lambda cell: (cell.seed, order[cell.recipient], order[cell.donor])),
    ]


def make_plan(experiment: Experiment, cache: Path | None = None) -> Plan:
    """Resolve the keys of all outputs.

    Args:
        experiment: Settings.
        cache: File that remembers the hashes of sources that have not changed since; None: hash them all.

    Raises:
        UsageError: A source is missing or the grid is empty.
    """
    plan = Plan(experiment)
    settings = {name: section.model_dump() for name, section in experiment if hasattr(section, "model_dump")}
    digests = _source_digests(experiment, cache)
    corpus = {key: value for key, value in settings["corpus"].items() if key != "path"}
    for language, source in digests.items():
        plan.corpora[language] = Output("corpus", language, digest(CORPUS_VERSION, corpus, language, source))
    plan.tokenizer = Output("tokenizer", "tokenizer", _tokenizer_key(plan))
    training = {key: value for key, value in settings["training"].items() if not key.startswith("epochs")}
    shared = [TRAIN_VERSION, settings["model"], training, plan.tokenizer.key]
    layout = [experiment.training.layout, experiment.model.n_positions]
    scoring = {key: value for key, value in settings["scoring"].items() if key != "metric"}
    cells = cells_of(experiment)
    for language in dict.fromkeys(cell.recipient for cell in cells):
        tokens = digest(ENCODE_VERSION, plan.corpora[language].key, plan.tokenizer.key)
        plan.tokens[language] = Output("tokens", language, tokens)
        plan.masks[language] = Output("masks", language, digest(MASKS_VERSION, tokens, layout, scoring))
    for cell in cells:
        own = [*shared, plan.tokens[cell.recipient].key, cell.recipient, cell.seed]
        if cell.donor:
            before = plan.models[Cell("monolingual", "", cell.donor, cell.seed)].key
            own += [cell.protocol, before, experiment.training.epochs_bilingual]
        else:
            own += [experiment.training.epochs]
        model = digest(*own)
        plan.models[cell] = Output("models", cell.label, model)
        plan.scores[cell] = Output("scores", cell.label, digest(SCORE_VERSION, model, plan.masks[cell.recipient].key))
    return plan


def make_tasks(plan: Plan) -> list[Task]:
    """Return the tasks of a plan, each after those it requires; models of a seed and recipient together."""
    settings = plan.experiment.model_dump(mode="json")
    tasks = [
        Task(output, f"{_TASKS}:corpus", {"settings": settings, "language": language})
        for language, output in plan.corpora.items()
    ]
    trained_on = () if plan.experiment.tokenizer.path else tuple(plan.corpora[one] for one in sorted(plan.corpora))
    tasks.append(
        Task(
            plan.tokenizer,
            f"{_TASKS}:tokenizer",
            {"settings": settings, "corpora": _names(trained_on)},
            trained_on,
        )
    )
    for language, tokens in plan.tokens.items():
        requires = (plan.corpora[language], plan.tokenizer)
        tasks.append(Task(tokens, f"{_TASKS}:encode", {"inputs": _names(requires)}, requires))
    for language, masks in plan.masks.items():
        requires = (plan.tokens[language], plan.tokenizer)
        arguments = {"settings": settings, "language": language, "inputs": _names(requires)}
        tasks.append(Task(masks, f"{_TASKS}:masks", arguments, requires))
    return [*tasks, *_model_tasks(plan, settings)]


def _model_tasks(plan: Plan, settings: dict[str, Any]) -> list[Task]:
    """Return the tasks that train, and those that score.

    A bilingual model that is not kept is scored by the task that trains it and never touches the disk.
    """
    keep_all = plan.experiment.grid.keep_models == "all"
    tasks = []
    for cell, model in plan.models.items():
        donor = plan.models[Cell("monolingual", "", cell.donor, cell.seed)] if cell.donor else None
        training = (plan.tokens[cell.recipient], plan.tokenizer, *([donor] if donor else []))
        scoring = (plan.tokens[cell.recipient], plan.tokenizer, plan.masks[cell.recipient])
        arguments = {
            "settings": settings, "protocol": cell.protocol, "donor": cell.donor, "recipient": cell.recipient,
            "seed": cell.seed, "tokens": plan.tokens[cell.recipient].name, "tokenizer": plan.tokenizer.name,
            "donor_model": donor.name if donor else None,
        }  # fmt: skip
        score = plan.scores[cell]
        masks = plan.masks[cell.recipient].name
        if keep_all or donor is None:
            tasks.append(Task(model, f"{_TASKS}:train_model", arguments, training))
            tasks.append(
                Task(
                    score,
                    f"{_TASKS}:score",
                    {**arguments, "masks": masks, "model": model.name},
                    (*scoring, model),
                )
            )
        else:
            requires = tuple(dict.fromkeys((*training, *scoring)))
            tasks.append(Task(score, f"{_TASKS}:train_and_score", {**arguments, "masks": masks}, requires))
    return tasks


def targets_of(plan: Plan) -> list[Output]:
    """Return the outputs that must be there at the end: all scores, and the models that are kept."""
    keep = plan.experiment.grid.keep_models
    kept = [model for cell, model in plan.models.items() if keep == "all" or (keep == "monolingual" and not cell.donor)]
    return [*kept, *plan.scores.values()]


def _names(outputs: tuple[Output, ...]) -> list[str]:
    return [output.name for output in outputs]


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


def _source_digests(experiment: Experiment, cache: Path | None) -> dict[str, str]:
    """Hash the source of every language; all that are missing are named at once."""
    known: dict[str, str] = {}
    if cache is not None:
        with suppress(OSError, ValueError):  # only a memory of hashes: a damaged one is made anew
            known = json.loads(cache.read_text(encoding="utf-8"))
    found, wrong, remembered = {}, [], {}
    extra = () if experiment.tokenizer.path else experiment.tokenizer.extra_languages
    for language in (*experiment.languages, *extra):
        source = experiment.source_of(language)
        try:
            check_is_file(source)
            stat = source.stat()
            mark = hashlib.sha256(f"{source} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()
            found[language] = known.get(mark) or source_digest(source)
            remembered[mark] = found[language]
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    if cache is not None and not remembered.items() <= known.items():
        with replace_file(cache) as temporary:
            temporary.write_text(json.dumps(known | remembered), encoding="utf-8")
    return found
