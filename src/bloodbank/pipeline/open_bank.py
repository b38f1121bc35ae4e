"""What a command or an experiment may be given for a bank: a run folder, a file, or the name of a shipped bank."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bloodbank.errors import UsageError
from bloodbank.pipeline.layout import is_run_folder
from bloodbank.store import AUDIT_FILE, MEASUREMENTS, SENTENCE_SCORES

if TYPE_CHECKING:
    from bloodbank.bank import Bank
    from bloodbank.corpus.audit.record import Audit

_SHIPPED = Path(__file__).parents[1] / "banks"


def open_bank(
    source: Path, *, protocol: str | None = None, budget: int | None = None, baseline: str | None = None
) -> Bank:
    """Open a run, a bank, a matrix of someone else's, or a bank that comes with bloodbank.

    Args:
        source: What the command was given.
        protocol: See `open_run`; for a file, its own.
        budget: Likewise.
        baseline: Likewise.

    Raises:
        UsageError: It is none of these, or there is no such bank in it.
    """
    source = find_source(source)
    from bloodbank.bank.files import BANK_FILE

    if source.is_dir():
        return open_run(source, protocol=protocol, budget=budget, baseline=baseline)
    if source.name == BANK_FILE and (protocol or baseline):  # its tables stand beside it
        return open_run(source.parent, protocol=protocol, budget=budget, baseline=baseline)
    from bloodbank.bank.importing.read_matrix import ImportOptions, import_bank

    return _as_asked(import_bank(source, ImportOptions()), None, protocol, baseline)


def find_source(source: Path) -> Path:
    """Return the folder of a bank that comes with bloodbank where its name was given, else the path itself.

    Args:
        source: What the command was given; what is there on disk comes first.
    """
    return shipped_folder(str(source)) if not source.exists() and str(source) in shipped_banks() else source


def open_run(
    folder: str | Path, *, protocol: str | None = None, budget: int | None = None, baseline: str | None = None
) -> Bank:
    """Open a bank of a finished run, with its measurements where they are there.

    A bank that was not written is built from the measurements, where these have what it takes.

    Args:
        folder: The run folder.
        protocol: Where the run has several: which; the first by default. Zero-shot scores are measured in every run.
        budget: Where the run has several: which, in characters; the first by default.
        baseline: What F is relative to: "alone" (M_t), or the control "equal" or "longer"; by default as the bank was
            written.

    Raises:
        UsageError: There is no such bank in it, or the control was not measured.
    """
    from bloodbank.bank import read_bank
    from bloodbank.bank.measurements import read_measurements

    place = bank_folder(Path(folder), protocol, budget)
    bank, tables = read_bank(place), _tables(place)
    if tables is not None:
        bank = dataclasses.replace(bank, measurements=read_measurements(tables / MEASUREMENTS))
    return _as_asked(bank, tables, protocol, baseline)


def _as_asked(bank: Bank, tables: Path | None, protocol: str | None, baseline: str | None) -> Bank:
    """Build a bank again where another protocol or baseline was asked for than it was written by."""
    if protocol in (None, bank.protocol) and baseline in (None, bank.baseline):
        return bank
    from bloodbank.bank.bank import rebuild, with_intervals
    from bloodbank.bank.measurements import ALONE, ZERO_SHOT

    if protocol == ZERO_SHOT and baseline is None:
        baseline = ALONE
    made = rebuild(bank, protocol=protocol, baseline=baseline)
    if made.protocol != bank.protocol:
        made = dataclasses.replace(made, name=f"{bank.name}-{made.protocol}")
    scores = None if tables is None else tables / SENTENCE_SCORES
    return with_intervals(made, scores if scores and _scores_of(made, scores) else None)


def _scores_of(bank: Bank, path: Path) -> bool:
    """Tell whether there are sentence scores of a bank's protocol and metric; those that ship have one metric only."""
    if not path.is_file():
        return False
    import pyarrow.dataset as ds

    wanted = (ds.field("protocol") == bank.protocol) & (ds.field("metric") == bank.metric)
    return bool(ds.dataset(path, format="parquet").count_rows(filter=wanted))


class OpenedBank(NamedTuple):
    """A bank of a run, with what stands beside it: None where it is not there."""

    bank: Bank  #: with its measurements
    sentence_scores: Path | None
    audit: Audit | None


def open_all(folder: Path, baseline: str | None = None) -> list[OpenedBank]:
    """Open every bank of a run, all budgets and protocols in the order of the experiment, or the one of another folder.

    Those that were added to the experiment, but not run yet, are left out. Zero-shot scores that were measured beside
    make a bank, too, whether it was written or not.

    Args:
        folder: Where they are.
        baseline: What F is relative to, but for zero-shot scores; by default as each was written.

    Raises:
        UsageError: There is no bank, or a file beside it is damaged.
    """
    from bloodbank.analysis.zero_shot import has_zero_shot
    from bloodbank.bank.files import BANK_FILE
    from bloodbank.bank.measurements import ZERO_SHOT

    wanted: list[tuple[str | None, int | None]] = [(None, None), (ZERO_SHOT, None)]
    if is_run_folder(folder):
        from bloodbank.pipeline.folder import read_experiment

        first = read_experiment(folder)
        protocols = dict.fromkeys((*first.grid.protocols, ZERO_SHOT))
        wanted = [(None, None)]
        wanted += [(protocol, budget) for budget in first.corpus.budgets for protocol in protocols][1:]
    opened: dict[Path, OpenedBank] = {}
    for protocol, budget in wanted:
        place = bank_folder(folder, protocol, budget)
        if opened and not (place / BANK_FILE).is_file():
            continue
        if place in opened and not has_zero_shot(opened[place].bank):
            continue
        bank = open_run(folder, protocol=protocol, budget=budget, baseline=None if protocol == ZERO_SHOT else baseline)
        tables = _tables(place) or place
        scores = tables / SENTENCE_SCORES
        key = place / ZERO_SHOT if place in opened else place
        opened[key] = OpenedBank(bank, scores if scores.is_file() else None, _audit_of(tables / AUDIT_FILE))
    return list(opened.values())


def _tables(place: Path) -> Path | None:
    """Return where the tables of a bank are: they hold all protocols, and stand beside the bank of the first one."""
    return next((folder for folder in (place, place.parent) if (folder / MEASUREMENTS).exists()), None)


def _audit_of(path: Path) -> Audit | None:
    if not path.is_file():
        return None
    from bloodbank.corpus.audit.record import Audit

    try:
        return Audit.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is damaged ({error}). `bloodbank corpus audit` makes it anew.") from error


def bank_folder(folder: Path, protocol: str | None, budget: int | None) -> Path:
    """Find the folder of one of the banks of a run; of zero-shot scores without one, that of the bank beside them.

    Raises:
        UsageError: Names the banks that there are.
    """
    if budget is None and (protocol is None or not is_run_folder(folder)):
        return folder
    from bloodbank.bank.files import BANK_FILE
    from bloodbank.bank.measurements import ZERO_SHOT
    from bloodbank.pipeline.folder import read_experiment

    first = read_experiment(folder)
    protocols, budgets = first.grid.protocols, first.corpus.budgets
    if protocol not in (None, ZERO_SHOT, *protocols) or budget not in (None, *budgets):
        raise UsageError(
            f"{folder} has no bank of {protocol or 'any protocol'} with {f'{budget:,}' if budget else 'any number of'} "
            f"characters. Protocols: {', '.join(protocols)}; budgets: {', '.join(map(str, budgets))}."
        )
    base = folder if budget in (None, budgets[0]) else folder / f"budget-{budget}"
    place = base if protocol in (None, protocols[0]) else base / str(protocol)
    return place if protocol != ZERO_SHOT or (place / BANK_FILE).is_file() else base


def load_bank(name: str) -> Bank:
    """Open a bank that comes with the package: measured by this project, with all that its analyses need.

    Args:
        name: Such as "help-books".

    Returns:
        The bank, with its measurements, intervals and replicates.

    Raises:
        UsageError: There is no bank of this name; the message lists those that there are.
    """
    return open_run(shipped_folder(name))


def shipped_folder(name: str) -> Path:
    """Find the folder of a bank that comes with the package; its tables, settings and script stand there too.

    Raises:
        UsageError: There is no bank of this name.
    """
    names = shipped_banks()
    if name not in names:
        raise UsageError(f"No bank called {name!r} comes with bloodbank. There are: {', '.join(names)}.")
    return _SHIPPED / name


def shipped_banks() -> list[str]:
    """List the banks that come with the package."""
    return sorted(path.parent.name for path in _SHIPPED.glob("*/bank.json"))
