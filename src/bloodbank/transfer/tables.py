"""The tidy tables that everything in the bank is a function of, gathered from the scores of a run folder.

*measurements*: one row a cell and metric. *sentence scores*: one row a cell, metric and paragraph of test text.
*loss curves*: one row a model, language and point.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bloodbank.store import MEASUREMENTS, SENTENCE_SCORES, Store, replace_file
from bloodbank.transfer.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

LOSS_CURVES = "loss_curves.csv"
OVERLAP_FILE, TRANSLATIONS_FILE = "audit_overlap.csv", "audit_translations.csv"
# Beside the outputs of models: how they were trained, what they scored.
TRAINING, MEASUREMENT = "training.json", "measurement.json"


def read_records(plan: Plan, store: Store) -> list[dict[str, Any]]:
    """Read the measurement of every cell of a plan that is scored.

    Returns:
        What the scoring task wrote, with `folder` added.
    """
    records = []
    for output in plan.scores.values():
        if store.has(output):
            folder = store.path(output)
            record: dict[str, Any] = json.loads((folder / MEASUREMENT).read_text(encoding="utf-8"))
            records.append({**record, "folder": folder})
    return records


def measurements_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Build the table of measurements.

    Args:
        records: From `read_records`.

    Returns:
        Columns protocol, donor ("" for monolingual rows), recipient, seed, metric, value (in the metric's unit; NaN
        for a failed model), standard_error (over paragraphs of test text), unigram (the same metric of the
        unigram distribution), n_masked, updates and tokens_seen (all phases together), seconds, device,
        gang_size, threads, health, health_z (standard errors by which MRR is above the unigram's), convergence
        (whether dev loss was still falling when training ended).
    """
    import numpy as np
    import pandas as pd

    rows = []
    for record in records:
        phases, own = record["phases"], record["protocol"] != "zero_shot"
        rows += [
            {
                **{name: record[name] for name in ("protocol", "donor", "recipient", "seed")},
                "metric": metric,
                "value": np.nan if value is None else value,
                "standard_error": np.nan if record["errors"][metric] is None else record["errors"][metric],
                "unigram": record["unigram"][metric],
                "n_masked": record["n_masked"],
                "updates": sum(phase["updates"] for phase in phases),
                "tokens_seen": sum(phase["tokens_seen"] for phase in phases),
                "seconds": round(own * phases[-1]["seconds"] + record["scoring_seconds"], 3),
                "device": record["device"],
                "gang_size": record["gang_size"],
                "threads": record["threads"],
                "health": record["health"],
                "health_z": np.nan if record["health_z"] is None else record["health_z"],
                "convergence": record["convergence"],
            }
            for metric, value in record["values"].items()
        ]
    return pd.DataFrame(rows)


def sentence_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Build the table of sentence scores.

    Args:
        records: From `read_records`.

    Returns:
        Columns protocol, donor, recipient, seed, metric, unit (index of the paragraph in the test text), sum,
        count. The score of a cell is the quotient of the totals of its rows; counts of bits per byte are bytes.
    """
    import numpy as np
    import pandas as pd

    parts = []
    for record in records:
        folder: Path = record["folder"]
        unit = np.load(folder / "unit.npy")
        for metric, value in record["values"].items():
            if value is not None:
                keys = {name: record[name] for name in ("protocol", "donor", "recipient", "seed")}
                sums, counts = (np.load(folder / f"{metric}.{what}.npy") for what in ("sum", "count"))
                parts.append(pd.DataFrame({**keys, "metric": metric, "unit": unit, "sum": sums, "count": counts}))
    columns = ["protocol", "donor", "recipient", "seed", "metric", "unit", "sum", "count"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def curve_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Build the table of loss curves: dev loss of every model that did not diverge, in its own last phase.

    Args:
        records: From `read_records`.

    Returns:
        Columns protocol, donor, recipient, seed, phase (1 where a donor's phase came before), language (whose dev
        text), updates, tokens_seen (both within the phase), loss (nats a masked piece). A `joint` model has its rows
        under each of its two cells; `zero_shot` has none.
    """
    import pandas as pd

    parts = []
    for record in records:
        phase = record["phases"][-1]
        if record["protocol"] == "zero_shot" or phase["diverged"]:
            continue
        keys = {name: record[name] for name in ("protocol", "donor", "recipient", "seed")}
        curve, number = phase["curve"], len(record["phases"]) - 1
        for language, losses in curve["loss"].items():
            points = {"updates": curve["updates"], "tokens_seen": curve["tokens"], "loss": losses}
            parts.append(pd.DataFrame({**keys, "phase": number, "language": language, **points}))
    columns = ["protocol", "donor", "recipient", "seed", "phase", "language", "updates", "tokens_seen", "loss"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def write_tables(records: list[dict[str, Any]], folder: Path) -> pd.DataFrame:
    """Write the tables, each whole or not at all, and return the measurements."""
    measurements = measurements_table(records)
    with replace_file(folder / MEASUREMENTS) as temporary, temporary.open("w", encoding="utf-8") as file:
        measurements.to_csv(file, index=False)
    with replace_file(folder / LOSS_CURVES) as temporary, temporary.open("w", encoding="utf-8") as file:
        curve_table(records).to_csv(file, index=False, float_format="%.6g")
    with replace_file(folder / SENTENCE_SCORES) as temporary, temporary.open("wb") as binary:
        sentence_table(records).to_parquet(binary, index=False)
    return measurements


def read_phases(folder: Path) -> list[dict[str, Any]]:
    """Read what the phases of a model were, its donor's first, from a model's folder or from its scores'."""
    path = folder / TRAINING
    phases: list[dict[str, Any]]
    if path.exists():
        phases = json.loads(path.read_text(encoding="utf-8"))
    else:
        phases = json.loads((folder / MEASUREMENT).read_text(encoding="utf-8"))["phases"]
    return phases


def provenance(**what: Any) -> dict[str, Any]:
    """Say what made an output; stands beside it."""
    packages = ("bloodbank", "torch", "tokenizers", "numpy")
    return {
        **what,
        "versions": {name: metadata.version(name) for name in packages} | {"python": platform.python_version()},
        "host": platform.node(),
        "processor": platform.processor() or platform.machine(),
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
