"""What a run folder says about itself: its settings, its plan, what is done, running, missing and failed.

RUN/experiment.json   resolved settings            RUN/bank.json, matrix.csv            the bank
RUN/plan.json         every output and its key     RUN/measurements.csv                 one row a cell and metric
RUN/failures.json     what failed last time        RUN/sentence_scores.parquet          sums per test paragraph
RUN/results.json      what results were made from
RUN/corpus, tokenizer, tokens, masks, models, scores: outputs; RUN/locks: who is making what
RUN/taggers, RUN/downstream/: scores of taggers, and the report on them
RUN/PROTOCOL/, RUN/budget-N/: banks of further protocols and budgets; RUN/checkpoints: models in training
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bloodbank.errors import UsageError
from bloodbank.execution import Event
from bloodbank.experiment.load import Experiment
from bloodbank.experiment.protocols import PROTOCOLS
from bloodbank.pipeline.layout import EXPERIMENT, PLAN, is_run_folder
from bloodbank.store import Output, Store, replace_file, write_json
from bloodbank.transfer import Plan, targets_of

FAILURES, SOURCES = "failures.json", "sources.json"
RECORD = "results.json"  # from what tables, banks and figures were made
STAGES = ("corpus", "tokenizer", "tokens", "audit", "masks", "models", "scores")
TAGGERS, REPORT = "taggers", "downstream"  # scores of fine-tuned taggers; what is made of them
CHECKPOINTS = "checkpoints"
HELPERS = ("gangs", CHECKPOINTS, TAGGERS)  # how many models go side by side; models in training
RESULTS = (
    "bank.json", "matrix.csv", "replicates.parquet", "measurements.csv", "sentence_scores.parquet", "loss_curves.csv",
    "heatmap.svg", "heatmap.png", "plane.svg", "plane.png", "curves.svg", "curves.png",
    "audit.json", "audit.csv", "audit_overlap.csv", "audit_translations.csv", "DATA_CARD.md", *(
        f"audit_{name}.{ending}" for name in ("sizes", "lengths", "foreign", "overlap") for ending in ("svg", "png")
    ),
)  # fmt: skip
_OURS = {
    EXPERIMENT,
    PLAN,
    FAILURES,
    SOURCES,
    RECORD,
    "locks",
    "tensorboard",
    *PROTOCOLS,
    *STAGES,
    *HELPERS,
    REPORT,
    *RESULTS,
}


@dataclass(frozen=True)
class StageStatus:
    """One stage of a run.

    Attributes:
        stage: Its name.
        n_done, n_wanted: Outputs that are there, and that must be there at the end.
        n_bytes: Size of those that are there.
        seconds: Time that training and scoring took, where the stage trains.
        running: What is being made, and by which process.
        failed: What failed, and why.
    """

    stage: str
    n_done: int
    n_wanted: int
    n_bytes: int
    seconds: float
    running: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str], ...]


def check_settings(plans: list[Plan], store: Store) -> None:
    """Refuse to go on in a folder whose finished outputs belong to other settings.

    Raises:
        UsageError: Names the settings that differ and what to do. Adding languages, seeds or pairs is no
            difference, as long as what is finished stays valid.
    """
    if store.root.exists() and not store.root.is_dir():
        raise UsageError(f"{store.root} is a file, not a run folder. Give another folder with --out.")
    before = _read(store.root / PLAN)
    if before is None:
        # What another process is just writing, or was killed writing, begins with a dot.
        names = {path.name for path in store.root.glob("[!.]*") if not path.name.startswith("budget-")}
        others = sorted(names - _OURS)
        if others:
            raise UsageError(
                f"{store.root} is not a run folder and not empty (it holds {', '.join(others[:5])}). Give another "
                "folder with --out."
            )
        return
    now = {name: key for plan in plans for name, key in plan.keys().items()}
    stale = [
        f"{entry['stage']}/{entry['label']}"
        for entry in before["outputs"]
        if entry["stage"] != "audit"  # made again in seconds, and that of all languages changes with every one more
        and now.get(f"{entry['stage']}/{entry['label']}", entry["key"]) != entry["key"]
        and store.has(Output(entry["stage"], entry["label"], entry["key"]))
    ]
    if stale:
        n_models = sum(name.startswith("scores/") for name in stale)
        changes = _changes(_read(store.root / EXPERIMENT) or {}, _settings(plans))
        what = "; ".join(changes) or "the text of the sources has changed"
        raise UsageError(
            f"{store.root} was made with other settings: {what}. "
            f"{len(stale)} finished outputs ({n_models} scored models) do not fit them. Nothing was changed. "
            "To go on in this folder and redo only what depends on the change, add --update (the old outputs stay, "
            "and are used again when the settings come back); or give another folder with --out."
        )


def write_plan(plans: list[Plan], store: Store) -> None:
    """Write the settings and the plan into the run folder."""
    outputs = list(dict.fromkeys(output for plan in plans for output in plan.outputs))
    wanted = {output for plan in plans for output in targets_of(plan)}
    wanted |= {output for output in outputs if output.stage not in ("models", "scores")}
    entries = [
        {"stage": output.stage, "label": output.label, "key": output.key, "wanted": output in wanted}
        for output in outputs
    ]
    with replace_file(store.root / PLAN) as temporary:
        write_json(temporary, {"outputs": entries})
    with replace_file(store.root / EXPERIMENT) as temporary:
        write_json(temporary, _settings(plans))


def _settings(plans: list[Plan]) -> dict[str, Any]:
    """Return the resolved settings of an experiment, with all its budgets."""
    settings = plans[0].experiment.model_dump(mode="json")
    settings["corpus"]["more_budgets_chars"] = [plan.experiment.corpus.budget_chars for plan in plans[1:]]
    return settings


def write_failures(failures: list[Event], store: Store) -> None:
    """Remember what failed, for `status`; an empty list forgets it."""
    path = store.root / FAILURES
    if not failures:
        path.unlink(missing_ok=True)
        return
    with replace_file(path) as temporary:
        write_json(temporary, {f"{e.task.output.stage}/{e.task.output.label}": e.message for e in failures})


def read_experiment(folder: Path) -> Experiment:
    """Read the resolved settings of a run folder."""
    _check(folder)
    return Experiment.model_validate(_read(folder / EXPERIMENT))


def bank_settings(experiment: Experiment) -> dict[str, Any]:
    """Return the settings as a bank's provenance holds them: all but where the work ran, and what was done with it."""
    return experiment.model_dump(mode="json", exclude={"execution", "downstream"})


def is_current(bank: dict[str, Any] | None, experiment: Experiment) -> bool:
    """Tell whether the settings in a bank's provenance are those of its run folder, with one of its budgets."""
    now = bank_settings(experiment)
    if bank and "training" in bank:  # before there was a choice
        bank = bank | {"training": {"candidates": "vocabulary"} | bank["training"]}
    if bank and "scoring" in bank:  # likewise
        bank = bank | {"scoring": {"baseline": "alone"} | bank["scoring"]}
    own = (bank or {}).get("corpus", {}).get("budget_chars")
    if own in experiment.corpus.budgets:
        now["corpus"] |= {"budget_chars": own, "more_budgets_chars": []}
    return bank == now


def read_status(folder: Path) -> list[StageStatus]:
    """Look at a run folder, whether something is running in it or not.

    Raises:
        UsageError: It is no run folder.
    """
    _check(folder)
    store = Store(folder)
    plan = _read(folder / PLAN) or {"outputs": []}
    failures: dict[str, str] = _read(folder / FAILURES) or {}
    return [_stage_status(stage, plan["outputs"], failures, store) for stage in STAGES]


def _stage_status(stage: str, entries: list[dict[str, Any]], failures: dict[str, str], store: Store) -> StageStatus:
    mine = [entry for entry in entries if entry["stage"] == stage]
    outputs = [(Output(stage, entry["label"], entry["key"]), entry["wanted"]) for entry in mine]
    done = [output for output, _ in outputs if store.has(output)]
    missing = [output for output, _ in outputs if not store.has(output)]
    running = tuple((output.label, owner) for output in missing if (owner := store.owner(output)))
    return StageStatus(
        stage=stage,
        n_done=sum(wanted and store.has(output) for output, wanted in outputs),
        n_wanted=sum(wanted for _, wanted in outputs),
        n_bytes=sum(path.stat().st_size for output in done for path in store.path(output).rglob("*")),
        seconds=sum(_seconds(store.path(output)) for output in done) if stage == "scores" else 0.0,
        running=running,
        failed=tuple((o.label, failures[f"{stage}/{o.label}"]) for o in missing if f"{stage}/{o.label}" in failures),
    )


def _seconds(folder: Path) -> float:
    record = _read(folder / "measurement.json") or {"phases": [{"seconds": 0.0}], "scoring_seconds": 0.0}
    own = record["phases"][-1]["seconds"] if record.get("protocol") != "zero_shot" else 0.0
    return float(own + record["scoring_seconds"])


def _changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """List the settings that differ, those that change no number left out."""
    flat_before, flat_now = dict(_flat(before)), dict(_flat(now))
    ignored = (
        "execution.", "downstream.",
        "corpus.path", "corpus.sources", "corpus.licence", "corpus.more_budgets", "corpus.too_little",
        "name", "preset", "grid.keep_models",
        "grid.include_unhealthy", "grid.protocols", "grid.controls", "grid.sets", "scoring.metric", "scoring.baseline",
    )  # fmt: skip
    return [
        f"{key}: {flat_before.get(key)} → {value}"
        for key, value in flat_now.items()
        if flat_before.get(key) != value and not key.startswith(ignored)
    ]


def _flat(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict) and key != "more_seeds":
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UsageError(
            f"{path}: cannot be read ({error}). Delete it and run the experiment again; outputs are not touched."
        ) from None
    return content


def _check(folder: Path) -> None:
    if not is_run_folder(folder):
        raise UsageError(
            f"{folder} is not a run folder: it has no {PLAN} or no {EXPERIMENT}. Give the folder that "
            "`bloodbank run` wrote to."
        )
