"""Section 4.2: which models are needed, training and scoring them, and the tables of measurements."""

from bloodbank.transfer.plan import Cell, Plan, cells_of, make_plan, make_tasks, targets_of
from bloodbank.transfer.tables import (
    MEASUREMENTS,
    SENTENCE_SCORES,
    measurements_table,
    read_measurements,
    read_records,
    sentence_table,
    write_tables,
)

__all__ = [
    "MEASUREMENTS",
    "SENTENCE_SCORES",
    "Cell",
    "Plan",
    "cells_of",
    "make_plan",
    "make_tasks",
    "measurements_table",
    "read_measurements",
    "read_records",
    "sentence_table",
    "targets_of",
    "write_tables",
]
