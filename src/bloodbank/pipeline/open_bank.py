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


def open_bank(source: Path) -> Bank:
    """Open a run, a bank, a matrix of someone else's, or a bank that comes with bloodbank.

    Args:
        source: What the command was given.

    Raises:
        UsageError: It is none of these.
    """
    source = find_source(source)
    if source.is_dir():
        return open_run(source)
    from bloodbank.bank.importing.read_matrix import ImportOptions, import_bank

    return import_bank(source, ImportOptions())


def find_source(source: Path) -> Path:
    """Return the folder of a bank that comes with bloodbank where its name was given, else the path itself.

    Args:
        source: What the command was given; what is there on disk comes first.
    """
    return shipped_folder(str(source)) if not source.exists() and str(source) in shipped_banks() else source


def open_run(folder: str | Path, *, protocol: str | None = None, budget: int | None = None) -> Bank:
    """Open a bank of a finished run, with its measurements where they are there.

    Args:
        folder: The run folder.
        protocol: Where the run has several: which; the first by default.
        budget: Where the run has several: which, in characters; the first by default.

    Raises:
        UsageError: There is no such bank in it.
    """
    from bloodbank.bank import read_bank
    from bloodbank.bank.measurements import read_measurements

    place = bank_folder(Path(folder), protocol, budget)
    bank = read_bank(place)
    tables = _tables(place)
    return bank if tables is None else dataclasses.replace(bank, measurements=read_measurements(tables / MEASUREMENTS))


class OpenedBank(NamedTuple):
    """A bank of a run, with what stands beside it: None where it is not there."""

    bank: Bank  #: with its measurements
    sentence_scores: Path | None
    audit: Audit | None


def open_all(folder: Path) -> list[OpenedBank]:
    """Open every bank of a run, all budgets and protocols in the order of the experiment, or the one of another folder.

    Those that were added to the experiment, but not run yet, are left out.

    Raises:
        UsageError: There is no bank, or a file beside it is damaged.
    """
    from bloodbank.bank.files import BANK_FILE

    wanted: list[tuple[str | None, int | None]] = [(None, None)]
    if is_run_folder(folder):
        from bloodbank.pipeline.folder import read_experiment

        first = read_experiment(folder)
        wanted += [(protocol, budget) for budget in first.corpus.budgets for protocol in first.grid.protocols][1:]
    opened: list[OpenedBank] = []
    for protocol, budget in wanted:
        place = bank_folder(folder, protocol, budget)
        if not opened or (place / BANK_FILE).is_file():
            bank = open_run(folder, protocol=protocol, budget=budget)
            tables = _tables(place) or place
            scores = tables / SENTENCE_SCORES
            opened.append(OpenedBank(bank, scores if scores.is_file() else None, _audit_of(tables / AUDIT_FILE)))
    return opened


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
    """Find the folder of one of the banks of a run.

    Raises:
        UsageError: Names the banks that there are.
    """
    if protocol is None and budget is None:
        return folder
    from bloodbank.pipeline.folder import read_experiment

    first = read_experiment(folder)
    protocols, budgets = first.grid.protocols, first.corpus.budgets
    if protocol not in (None, *protocols) or budget not in (None, *budgets):
        raise UsageError(
            f"{folder} has no bank of {protocol or 'any protocol'} with {f'{budget:,}' if budget else 'any number of'} "
            f"characters. Protocols: {', '.join(protocols)}; budgets: {', '.join(map(str, budgets))}."
        )
    place = folder if budget in (None, budgets[0]) else folder / f"budget-{budget}"
    return place if protocol in (None, protocols[0]) else place / str(protocol)


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
