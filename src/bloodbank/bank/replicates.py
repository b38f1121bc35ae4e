"""F drawn again, on disk: `replicates.parquet` beside `bank.json`, so that no sentence scores are needed.

One row a cell: donor, recipient, and the list of F in every replicate. 1 000 replicates of 12 languages take 0.43 MB.

    write_replicates(bank.intervals, Path("runs/mine"))
    read_replicates(bank.intervals, Path("runs/mine"))
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np

from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.errors import UsageError

REPLICATES_FILE = "replicates.parquet"
FORMAT = "bloodbank replicates"
_ABOUT = b"bloodbank"  # key of the metadata
_F = "finetune_scores"


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

    from bloodbank.store import replace_file

    path = folder / REPLICATES_FILE
    if intervals is None or intervals.replicates is None:
        path.unlink(missing_ok=True)
        return None
    known = ~np.isnan(intervals.replicates).any(axis=0)
    donors, recipients = (np.array(intervals.languages)[places] for places in np.nonzero(known))
    cells = list(intervals.replicates[:, known].T.astype(np.float32))
    columns = [donors.tolist(), recipients.tolist(), pa.array(cells, pa.list_(pa.float32()))]
    table = pa.table(columns, names=["donor", "recipient", _F])
    about = json.dumps({"format": FORMAT, "bank": _key(intervals)}).encode()
    with replace_file(path) as temporary:
        # Floats with their bytes apart: 0.43 MB for the bank that ships, 0.73 without; a column a cell takes 0.47.
        pq.write_table(
            table.replace_schema_metadata({_ABOUT: about}), temporary, compression="zstd",
            use_dictionary=["donor", "recipient"], column_encoding={f"{_F}.list.element": "BYTE_STREAM_SPLIT"},
        )  # fmt: skip
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
    places = {code: place for place, code in enumerate(intervals.languages)}
    replicates = np.full((intervals.n_replicates, len(places), len(places)), np.nan, dtype=np.float32)
    try:
        table = pq.ParquetFile(path).read(use_threads=False)  # a third of the time of read_table, for a file so small
        about = json.loads((table.schema.metadata or {}).get(_ABOUT, b"{}"))
        if about != {"format": FORMAT, "bank": _key(intervals)}:
            return intervals
        donors, recipients = ([places[code] for code in table[side].to_pylist()] for side in ("donor", "recipient"))
        if table[_F].type != pa.list_(pa.float32()):
            raise ValueError(f"{_F} holds {table[_F].type}, not lists of 32-bit floats")
        cells = table[_F].combine_chunks().flatten().to_numpy()
        replicates[:, donors, recipients] = cells.reshape(len(donors), intervals.n_replicates).T
    except (OSError, pa.ArrowException, LookupError, ValueError) as error:
        raise UsageError(
            f"{path} is damaged: {error}. Delete it, or write the bank again from its measurements."
        ) from error
    return dataclasses.replace(intervals, replicates=replicates)


def _key(intervals: Intervals) -> str:
    """Name the bank that replicates belong to, by its numbers."""
    digest = hashlib.sha256(json.dumps([*intervals.languages, intervals.n_replicates, intervals.covers]).encode())
    for name in ("estimate", "se", "df"):
        digest.update(np.ascontiguousarray(intervals.cells[name].to_numpy(dtype=float)).tobytes())
    return digest.hexdigest()[:32]
