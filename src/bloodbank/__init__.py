"""bloodbank: which languages help which in multilingual pretraining, and which to pretrain on.

import bloodbank as bb
bank = bb.run("experiment.toml")     # or bb.open("runs/quickstart")
bank.donation, bank.recipience, bank.finetune_scores, bank.blood_types
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bloodbank.errors import BloodbankError, UsageError

if TYPE_CHECKING:
    __version__: str
    from bloodbank.analysis.atlas_score import transfer_scores
    from bloodbank.analysis.comparison import compare
    from bloodbank.bank import Bank
    from bloodbank.bank.exporting import export_bank
    from bloodbank.bank.importing.read_matrix import read_matrix
    from bloodbank.choosing.recommend import recommend
    from bloodbank.choosing.select import select_sets
    from bloodbank.experiment.load import Experiment, load_experiment
    from bloodbank.explorer import explore
    from bloodbank.pipeline.open_bank import load_bank
    from bloodbank.pipeline.open_bank import open_run as open  # noqa: A004 - read as bb.open
    from bloodbank.pipeline.run import audit as audit_corpus
    from bloodbank.pipeline.run import build_texts, run
    from bloodbank.pipeline.run_downstream import report as report_downstream
    from bloodbank.pipeline.run_downstream import run as run_downstream

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
    "transfer_scores",
]
# As above, for when a name is asked for: `import bloodbank` itself loads nothing.
_WHERE = {
    "Bank": "bloodbank.bank.Bank",
    "Experiment": "bloodbank.experiment.load.Experiment",
    "audit_corpus": "bloodbank.pipeline.run.audit",
    "build_texts": "bloodbank.pipeline.run.build_texts",
    "compare": "bloodbank.analysis.comparison.compare",
    "explore": "bloodbank.explorer.explore",
    "export_bank": "bloodbank.bank.exporting.export_bank",
    "load_bank": "bloodbank.pipeline.open_bank.load_bank",
    "load_experiment": "bloodbank.experiment.load.load_experiment",
    "open": "bloodbank.pipeline.open_bank.open_run",
    "read_matrix": "bloodbank.bank.importing.read_matrix.read_matrix",
    "recommend": "bloodbank.choosing.recommend.recommend",
    "report_downstream": "bloodbank.pipeline.run_downstream.report",
    "run": "bloodbank.pipeline.run.run",
    "run_downstream": "bloodbank.pipeline.run_downstream.run",
    "select_sets": "bloodbank.choosing.select.select_sets",
    "transfer_scores": "bloodbank.analysis.atlas_score.transfer_scores",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("bloodbank")
    if name not in _WHERE:
        raise AttributeError(f"module 'bloodbank' has no attribute {name!r}")
    from importlib import import_module

    module, _, attribute = _WHERE[name].rpartition(".")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
