"""Sentence scores, column by column: all models of a column are scored on the same paragraphs of test text.

Reads the tidy table of sentence scores, whole or from its file; writes nothing. Only one column stands in memory when
it is read from the file.

    for column in read_columns(Path("runs/mine/sentence_scores.parquet"), languages=("de", "fi"), seeds=(0, 1), ...):
        print(column.recipient, len(column.counts))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.measurements import MONOLINGUAL
from bloodbank.errors import UsageError

_COLUMNS = ("protocol", "donor", "recipient", "seed", "metric", "unit", "sum", "count")
_AT_ONCE = 25  # recipients read in one pass over a file, which is long where there are many; bounds the memory
_SAME = 1e-6  # relative difference of counts that rounding may make


@dataclass(frozen=True)
class Column:
    """The sentence scores of all models that were scored on one language.

    Attributes:
        recipient: Its code.
        sums: Of each paragraph, model by model: M_t first, then M_{s,t} by donor; missing where a model was not
            scored. Shape: [paragraph, seed, 1 + donor].
        counts: What the totals are divided by, the same for all models. Shape: [paragraph].
    """

    recipient: str
    sums: NDArray[np.float64]
    counts: NDArray[np.float64]


def read_columns(
    sentence_scores: pd.DataFrame | str | Path,
    *,
    languages: Sequence[str],
    seeds: Sequence[int],
    protocol: str,
    metric: str,
) -> Iterator[Column]:
    """Read the sentence scores of a bank, one recipient after the other.

    Args:
        sentence_scores: The tidy table, or its Parquet file. `donor` is "", or missing, for monolingual models.
        languages: Codes, in the order of recipients and donors; others are left out.
        seeds: In the order of the arrays; others are left out.
        protocol: Protocol of the bilingual models.
        metric: Which scores.

    Yields:
        A column for each language that has scores of M_t.

    Raises:
        UsageError: The table cannot be read, lacks columns, holds a paragraph twice, or its models were not scored on
            the same paragraphs.
    """
    for recipient, rows in _tables(sentence_scores, languages, protocol, metric):
        rows = rows.assign(donor=rows["donor"].astype(object).where(rows["donor"].notna(), "").astype(str))  # noqa: PLW2901
        model = np.where(rows["protocol"] == MONOLINGUAL, 0, 1 + _places(rows["donor"], languages))
        seed = _places(rows["seed"], seeds)
        wanted = (seed >= 0) & ((rows["protocol"] == MONOLINGUAL) | (model > 0)).to_numpy()
        wanted &= (rows["donor"] != recipient).to_numpy()
        if (wanted & (model == 0)).any():
            yield _column(recipient, rows[wanted], seed[wanted], model[wanted], (len(seeds), 1 + len(languages)))


def _tables(
    source: pd.DataFrame | str | Path, languages: Sequence[str], protocol: str, metric: str
) -> Iterator[tuple[str, pd.DataFrame]]:
    protocols = [MONOLINGUAL, protocol]
    if isinstance(source, pd.DataFrame):
        _check_columns(list(source.columns), "The table of sentence scores")
        chosen = source[(source["metric"] == metric) & source["protocol"].isin(protocols)]
        found = {str(code): rows for code, rows in chosen.groupby("recipient", observed=True)}
        yield from ((code, found[code]) for code in languages if code in found)
        return
    import pyarrow as pa
    import pyarrow.dataset as ds

    path = Path(source)
    try:
        file = ds.dataset(path, format="parquet")
        _check_columns(file.schema.names, str(path))
        chosen = (ds.field("metric") == metric) & ds.field("protocol").isin(protocols)
        for start in range(0, len(languages), _AT_ONCE):
            some = list(languages[start : start + _AT_ONCE])
            rows = file.to_table(list(_COLUMNS), filter=ds.field("recipient").isin(some) & chosen).to_pandas()
            found = dict(list(rows.groupby("recipient", sort=False, observed=True)))
            yield from ((code, found[code]) for code in some if code in found)
    except (OSError, pa.ArrowException) as error:
        message = f"{path} cannot be read as Parquet: {error}. Give the sentence_scores.parquet of a run."
        raise UsageError(message) from error


def _check_columns(names: Sequence[str], what: str) -> None:
    missing = [column for column in _COLUMNS if column not in names]
    if missing:
        raise UsageError(f"{what} lacks the columns {', '.join(missing)}. It needs {', '.join(_COLUMNS)}.")


def _places(values: pd.Series, known: Sequence[object]) -> NDArray[np.int64]:
    # Where each value stands among those known, -1 where it does not.
    return np.asarray(pd.Index(list(known)).get_indexer(pd.Index(values)), dtype=np.int64)


def _column(
    recipient: str, rows: pd.DataFrame, seed: NDArray[np.int64], model: NDArray[np.int64], shape: tuple[int, int]
) -> Column:
    units, unit = np.unique(rows["unit"].to_numpy(), return_inverse=True)
    n_units, (n_seeds, n_models) = len(units), shape
    place = (unit * n_seeds + seed) * n_models + model
    n_rows = np.bincount(place, minlength=n_units * n_seeds * n_models)
    if n_rows.max() > 1:
        raise UsageError(
            f"The sentence scores of recipient {recipient} hold a paragraph of one model twice. "
            "Keep one row for each protocol, donor, recipient, seed, metric and unit."
        )
    sums, counts = np.full((2, len(n_rows)), np.nan)
    sums[place], counts[place] = rows["sum"].to_numpy(dtype=float), rows["count"].to_numpy(dtype=float)
    scored = (n_rows > 0).reshape(n_units, -1)
    counts = counts.reshape(n_units, -1)[:, scored.any(axis=0)]
    first = counts[:, :1]
    if not (np.abs(counts - first) <= _SAME * np.abs(first)).all():  # a missing count differs too
        raise UsageError(
            f"The models of recipient {recipient} were not scored on the same masked pieces of the same paragraphs, "
            "so their differences cannot be resampled. Score them on the same masks, or leave the sentence scores out."
        )
    return Column(recipient, sums.reshape(n_units, n_seeds, n_models), first[:, 0])
