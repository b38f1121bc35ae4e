"""F drawn again, on disk: `replicates.parquet` beside `bank.json`, so that no sentence scores are needed.

Replicates are kept as whole numbers with one factor for each cell: F = estimate + factor × number, exact to an
eight-thousandth of the largest deviation. 1 000 replicates of 12 languages take a quarter of a megabyte.

    write_replicates(bank.intervals, Path("runs/mine"))
    read_replicates(bank.intervals, Path("runs/mine"))
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.bank.uncertainty.paragraphs import FINETUNE
from bloodbank.errors import UsageError
from bloodbank.store import replace_file

REPLICATES_FILE = "replicates.parquet"
FORMAT = "bloodbank replicates"
_ABOUT = b"bloodbank"  # key of the metadata
_LARGEST = 8_191
# Whole numbers of 14 bits take 14 bits, which no compression of 32-bit ones comes near.
_ENCODING: dict[str, Any] = {
    "use_dictionary": False, "column_encoding": {"deviation.list.element": "DELTA_BINARY_PACKED"},
}  # fmt: skip


def write_replicates(intervals: Intervals | None, folder: Path) -> Path | None:
    """Write the replicates of F, or remove those of an earlier bank where there are none.

    Args:
        intervals: Of the bank.
        folder: Where its `bank.json` is; it is made if missing.

    Returns:
        The path of the file; None where there are no replicates.

    Raises:
        BloodbankError: The disk is full or cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / REPLICATES_FILE
    if intervals is None or intervals.replicates is None:
        path.unlink(missing_ok=True)
        return None
    content = pa.Table.from_pandas(_packed(intervals, intervals.replicates), preserve_index=False)
    about = json.dumps({"format": FORMAT, "bank": _key(intervals)}).encode()
    content = content.replace_schema_metadata({**(content.schema.metadata or {}), _ABOUT: about})
    with replace_file(path) as temporary:
        pq.write_table(content, temporary, compression="zstd", **_ENCODING)
    return path


def read_replicates(intervals: Intervals, folder: Path) -> Intervals:
    """Add the replicates that `write_replicates` wrote.

    Args:
        intervals: As `bank.json` has them.
        folder: Where that is.

    Returns:
        The intervals with their replicates; as they were where there is no such file, or where it is that of another
        bank (a run was killed between writing the two).

    Raises:
        UsageError: The file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / REPLICATES_FILE
    if not path.is_file():
        return intervals
    try:
        content = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UsageError(
            f"{path} cannot be read as Parquet: {error}. Delete it, or write the bank again from its measurements."
        ) from error
    about = json.loads((content.schema.metadata or {}).get(_ABOUT, b"{}"))
    if about != {"format": FORMAT, "bank": _key(intervals)}:
        return intervals
    return dataclasses.replace(intervals, replicates=_unpacked(content.to_pandas(), intervals))


def _key(intervals: Intervals) -> str:
    """Name the bank that replicates belong to, by its numbers."""
    digest = hashlib.sha256(json.dumps([*intervals.languages, intervals.n_replicates, intervals.covers]).encode())
    for name in ("estimate", "se", "df"):
        digest.update(np.ascontiguousarray(intervals.cells[name].to_numpy(dtype=float)).tobytes())
    return digest.hexdigest()[:32]


def _packed(intervals: Intervals, replicates: NDArray[np.float32]) -> pd.DataFrame:
    """Lay replicates out as one row for each cell that has them."""
    cells = intervals.cells[intervals.cells["score"] == FINETUNE]
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


def _unpacked(packed: pd.DataFrame, intervals: Intervals) -> NDArray[np.float32]:
    places = {code: place for place, code in enumerate(intervals.languages)}
    n = len(intervals.languages)
    replicates = np.full((intervals.n_replicates, n, n), np.nan, dtype=np.float32)
    for donor, recipient, estimate, factor, deviation in packed.itertuples(index=False):
        replicates[:, places[donor], places[recipient]] = estimate + factor * np.asarray(deviation, dtype=np.float64)
    return replicates
