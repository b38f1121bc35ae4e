"""Measurement intervals on disk: four Parquet files, so that a bank needs no sentence scores to be drawn again.

Replicates of F are kept as whole numbers with one factor for each cell: F = estimate + factor × number, exact to an
eight-thousandth of the largest deviation. 1 000 replicates of 12 languages take a quarter of a megabyte.

    write_intervals(intervals, Path("runs/mine/intervals"))
    read_intervals(Path("runs/mine/intervals"))
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.intervals import Intervals
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.store import replace_file

FORMAT = "bloodbank intervals"
SCHEMA_VERSION = 1
_ABOUT = b"bloodbank"  # key of the metadata, in every file
_TABLES = ("cells", "scores", "types")
_REPLICATES = "replicates"
_LARGEST = 8_191
# Whole numbers of 14 bits take 14 bits, which no compression of 32-bit ones comes near.
_ENCODING: dict[str, dict[str, Any]] = {
    _REPLICATES: {"use_dictionary": False, "column_encoding": {"deviation.list.element": "DELTA_BINARY_PACKED"}}
}
_FIELDS = ("protocol", "metric", "level", "covers", "covers_seeds", "covers_paragraphs", "n_replicates")


def write_intervals(intervals: Intervals, folder: Path) -> None:
    """Write `cells.parquet`, `scores.parquet`, `types.parquet` and, where they were kept, `replicates.parquet`.

    Args:
        intervals: What is written.
        folder: Where; it is made if missing. Replicates of an earlier bank there are removed.

    Raises:
        BloodbankError: The disk is full or cannot be written.
    """
    about = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "languages": list(intervals.languages)}
    about |= {name: getattr(intervals, name) for name in _FIELDS}
    for name in _TABLES:
        _write(getattr(intervals, name), folder / f"{name}.parquet", about)
    if intervals.replicates is None:
        (folder / f"{_REPLICATES}.parquet").unlink(missing_ok=True)
    else:
        _write(_packed(intervals, intervals.replicates), folder / f"{_REPLICATES}.parquet", about)


def read_intervals(folder: Path) -> Intervals:
    """Read intervals that `write_intervals` wrote.

    Args:
        folder: Where they are.

    Returns:
        The intervals; equal to those written, but for the rounding of replicates.

    Raises:
        UsageError: There are none, or a file is damaged.
        BloodbankError: They were written by a newer version of bloodbank.
    """
    tables: dict[str, pd.DataFrame] = {}
    about: dict[str, dict[str, Any]] = {}
    for name in _TABLES:
        tables[name], about[name] = _read(folder / f"{name}.parquet")
    if any(one != about["cells"] for one in about.values()):
        raise UsageError(f"The files in {folder} are of different banks. Write the intervals again.")
    known = about["cells"]
    replicates = None
    if (folder / f"{_REPLICATES}.parquet").exists():
        packed, of_replicates = _read(folder / f"{_REPLICATES}.parquet")
        if of_replicates != known:
            raise UsageError(f"The files in {folder} are of different banks. Write the intervals again.")
        replicates = _unpacked(packed, known["languages"], known["n_replicates"])
    fields = {name: known[name] for name in _FIELDS}
    return Intervals(
        languages=tuple(known["languages"]),
        **fields,
        cells=tables["cells"],
        scores=tables["scores"],
        types=tables["types"],
        replicates=replicates,
    )


def _packed(intervals: Intervals, replicates: NDArray[np.float32]) -> pd.DataFrame:
    """Lay replicates out as one row for each cell that has them."""
    cells = intervals.cells[intervals.cells["score"] == "finetune_score"]
    places = {code: place for place, code in enumerate(intervals.languages)}
    rows = []
    for donor, recipient, estimate in cells[["donor", "recipient", "estimate"]].itertuples(index=False):
        drawn = replicates[:, places[donor], places[recipient]].astype(np.float64)
        if np.isnan(drawn).any():
            continue
        deviation = drawn - estimate
        factor = float(np.abs(deviation).max()) / _LARGEST or 1.0
        rows.append((donor, recipient, estimate, factor, np.rint(deviation / factor).astype(np.int16)))
    return pd.DataFrame(rows, columns=["donor", "recipient", "estimate", "factor", "deviation"])


def _unpacked(packed: pd.DataFrame, languages: list[str], n_replicates: int) -> NDArray[np.float32]:
    places = {code: place for place, code in enumerate(languages)}
    replicates = np.full((n_replicates, len(languages), len(languages)), np.nan, dtype=np.float32)
    for donor, recipient, estimate, factor, deviation in packed.itertuples(index=False):
        replicates[:, places[donor], places[recipient]] = estimate + factor * np.asarray(deviation, dtype=np.float64)
    return replicates


def _write(table: pd.DataFrame, path: Path, about: Mapping[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = pa.Table.from_pandas(table, preserve_index=False)
    content = content.replace_schema_metadata({**(content.schema.metadata or {}), _ABOUT: json.dumps(about).encode()})
    with replace_file(path) as temporary:
        pq.write_table(content, temporary, compression="zstd", **_ENCODING.get(path.stem, {}))


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise UsageError(f"There are no intervals at {path.parent}: {path.name} is missing. Write them first.")
    try:
        content = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path} cannot be read as Parquet: {error}. Write the intervals again.") from error
    about = json.loads((content.schema.metadata or {}).get(_ABOUT, b"{}"))
    if about.get("format") != FORMAT:
        raise UsageError(f"{path} is Parquet, but holds no intervals of bloodbank (its format is not {FORMAT!r}).")
    if about["schema_version"] > SCHEMA_VERSION:
        raise BloodbankError(
            f"{path} has schema_version {about['schema_version']}, but this bloodbank reads versions up to "
            f"{SCHEMA_VERSION}. Install a newer bloodbank."
        )
    return content.to_pandas(), about
