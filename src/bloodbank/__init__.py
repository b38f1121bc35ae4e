"""bloodbank: which languages help which in multilingual pretraining, and which to pretrain on.

import bloodbank as bb
bank = bb.run("experiment.toml")     # or bb.open("runs/quickstart")
bank.donation, bank.recipience, bank.finetune_scores, bank.blood_types
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bloodbank.errors import BloodbankError, UsageError

if TYPE_CHECKING:
    from bloodbank.bank import Bank
    from bloodbank.bank.comparing import compare
    from bloodbank.bank.exporting import export_bank
    from bloodbank.bank.importing import read_matrix
    from bloodbank.bank.recommending import recommend
    from bloodbank.bank.selection import select_sets
    from bloodbank.downstream_pipeline import report as report_downstream
    from bloodbank.downstream_pipeline import run as run_downstream
    from bloodbank.experiment import Experiment, load_experiment
    from bloodbank.explorer import explore
    from bloodbank.pipeline import audit as audit_corpus
    from bloodbank.pipeline import build_texts, run
    from bloodbank.results import load_bank
    from bloodbank.results import open_run as open  # noqa: A004 - read as bb.open

__all__ = [
    "Bank",
    "BloodbankError",
    "Experiment",
    "UsageError",
    "audit_corpus",
    "build_texts",
    "compare",
    "explore",
    "export_bank",
    "load_bank",
    "load_experiment",
    "open",
    "read_matrix",
    "recommend",
    "report_downstream",
    "run",
    "run_downstream",
    "select_sets",
]
_WHERE = {
    "Bank": ("bloodbank.bank", "Bank"),
    "compare": ("bloodbank.bank.comparing", "compare"),
    "explore": ("bloodbank.explorer", "explore"),
    "export_bank": ("bloodbank.bank.exporting", "export_bank"),
    "read_matrix": ("bloodbank.bank.importing", "read_matrix"),
    "recommend": ("bloodbank.bank.recommending", "recommend"),
    "select_sets": ("bloodbank.bank.selection", "select_sets"),
    "audit_corpus": ("bloodbank.pipeline", "audit"),
    "build_texts": ("bloodbank.pipeline", "build_texts"),
    "Experiment": ("bloodbank.experiment", "Experiment"),
    "load_experiment": ("bloodbank.experiment", "load_experiment"),
    "load_bank": ("bloodbank.results", "load_bank"),
    "open": ("bloodbank.results", "open_run"),
    "run": ("bloodbank.pipeline", "run"),
    "run_downstream": ("bloodbank.downstream_pipeline", "run"),
    "report_downstream": ("bloodbank.downstream_pipeline", "report"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that `import bloodbank` is quick."""
    if name not in _WHERE:
        raise AttributeError(f"module 'bloodbank' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _WHERE[name]
    return getattr(import_module(module), attribute)
