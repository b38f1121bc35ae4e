"""Section 4.2: which models are needed, training and scoring them, and the tables of measurements."""

from bloodbank.transfer.gangs import form_gangs, gangs_of
from bloodbank.transfer.models import Cell, Model, cells_of, model_of, models_of, phase_of
from bloodbank.transfer.plan import (
    Plan,
    audits_of,
    is_kept,
    make_plan,
    make_plans,
    prefer_full_audit,
    targets_of,
)
from bloodbank.transfer.tables import (
    LOSS_CURVES,
    curve_table,
    measurements_table,
    read_records,
    sentence_table,
    write_tables,
)
from bloodbank.transfer.task_list import SCORE, TRAIN, make_tasks

__all__ = [
    "LOSS_CURVES",
    "SCORE",
    "TRAIN",
    "Cell",
    "Model",
    "Plan",
    "audits_of",
    "cells_of",
    "curve_table",
    "form_gangs",
    "gangs_of",
    "is_kept",
    "make_plan",
    "make_plans",
    "make_tasks",
    "measurements_table",
    "model_of",
    "models_of",
    "phase_of",
    "prefer_full_audit",
    "read_records",
    "sentence_table",
    "targets_of",
    "write_tables",
]
