"""What a command or an experiment may be given for a bank: a run folder, a file, or the name of a shipped bank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bloodbank.bank import Bank


def open_bank(source: Path) -> Bank:
    """Open a run, a bank, a matrix of someone else's, or a bank that comes with bloodbank.

    Args:
        source: What the command was given.

    Raises:
        UsageError: It is none of these.
    """
    from bloodbank.bank.imported import ImportOptions
    from bloodbank.bank.importing import import_bank
    from bloodbank.results import open_run

    source = find_source(source)
    return open_run(source) if source.is_dir() else import_bank(source, ImportOptions())


def find_source(source: Path) -> Path:
    """Return the folder of a bank that comes with bloodbank where its name was given, else the path itself.

    Args:
        source: What the command was given; what is there on disk comes first.
    """
    from bloodbank.results import shipped_banks, shipped_folder

    return shipped_folder(str(source)) if not source.exists() and str(source) in shipped_banks() else source
