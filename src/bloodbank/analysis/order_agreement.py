r"""Do two matrices order donors alike, also where they measure different things, and more than kinship would?

    result = order_agreement(bank, read_matrix("zero_shot_transfer.csv"), load_features(bank.languages))
    print(*result.sentences(), sep="\n")

The second matrix may be of another kind, such as zero-shot transfer of a large model: only ranks are compared. Family,
script, typology and the map are compared with it in the same way, over the same cells: an order that is known without
any training is the least that measurements have to beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.analysis.comparison import common_languages, names_of
from bloodbank.bank.bank import Bank
from bloodbank.bank.health import MIN_LANGUAGES
from bloodbank.statistics.permutations import draw_orders, relabelled_correlations, tail
from bloodbank.statistics.rank_agreement import PAIRS, WITHIN, centred_ranks
from bloodbank.typology.features import Features
from bloodbank.typology.relations import FAMILY, KINDS, MAP, SCRIPT, TYPOLOGY, relations
from bloodbank.wording import Finding, listed, plural, signed

BANK = "bank"  #: the first matrix, in the table
WORDS = {FAMILY: "family tree", SCRIPT: "script", TYPOLOGY: "likeness in typology", MAP: "nearness on the map"}
_MEASURES = {WITHIN: "donors within recipients", PAIRS: "pairs after donor and recipient effects"}
_LEAST_KNOWN = 0.5  # share of the common languages of which a relation must be known, before it is compared
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OrderAgreement:
    """How far the order of donors in one matrix is that of another.

    Attributes:
        names: Of the first matrix and of the second, with which all are compared.
        languages: Common ones of which every relation that is compared is known, by code.
        left_out: Common languages of which one is not known.
        table: `of` ("bank", the first matrix; "family", "script", "typology", "map"), `measure` ("within recipients":
            ranks of the donors of each recipient; "pairs": ranks of the cells after donor and recipient effects),
            `correlation` with the same of the second matrix (-1 to 1), `p` (two-sided, by relabelling the languages of
            the second), `n` (cells) and `note`: why it is not possible, or "". One row for each `of` and measure.
        n_permutations: Relabellings.
        exact: Every relabelling was taken, not a sample.
    """

    names: tuple[str, str]
    languages: tuple[str, ...]
    left_out: tuple[str, ...]
    table: pd.DataFrame
    n_permutations: int
    exact: bool

    def sentences(self) -> list[str]:
        """Say whether the two order donors alike, and whether what is known without training does so better."""
        return _sentences(self)


def order_agreement(
    a: Bank, b: Bank, features: Features | str, *, n_permutations: int | None = None, seed: int = 0
) -> OrderAgreement:
    """Compare the order of donors in one matrix, and in what is known without training, with that of another.

    Args:
        a: A bank.
        b: A matrix of any kind in which higher is better, such as zero-shot transfer.
        features: Typological features of their languages, or why there are none.
        n_permutations: Relabellings; by default 10,000, and 2,000 for more than 60 languages; all up to 7 languages.
        seed: Of the relabellings.

    Returns:
        Correlations over the cells that both matrices have, with tests.

    Raises:
        UsageError: Fewer than two languages are common.
    """
    common = sorted(common_languages(a, b))
    near = relations(common, features)
    compared = [kind for kind in KINDS if (near.nearness[kind].notna().any()).mean() >= _LEAST_KNOWN]
    known = np.logical_and.reduce([near.nearness[kind].notna().any() for kind in compared]) if compared else None
    codes = common if known is None else [code for code, is_known in zip(common, known, strict=True) if is_known]
    first, second = (_cells(bank.finetune_scores, codes) for bank in (a, b))
    second = np.where(np.isnan(first), np.nan, second)
    orders, exact = draw_orders(len(codes), n_permutations, seed)
    rows: list[dict[str, Any]] = []
    for of in (BANK, *KINDS):
        note = "" if of == BANK or of in compared else _unknown(near.nearness[of], near.sources[of])
        cells = first if of == BANK else _cells(near.nearness[of], codes)
        rows += _rows(of, np.where(np.isnan(second), np.nan, cells), second, orders, note)
    return OrderAgreement(
        names=names_of(a, b),
        languages=tuple(codes),
        left_out=tuple(code for code in common if code not in codes),
        table=pd.DataFrame(rows),
        n_permutations=len(orders) - (not exact),
        exact=exact,
    )


def _cells(table: pd.DataFrame, codes: list[str]) -> Floats:
    cells = table.loc[codes, codes].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    return cells


def _unknown(nearness: pd.DataFrame, source: str) -> str:
    n_known = int(nearness.notna().any().sum())
    return f"not compared, because it is known of {n_known} of {plural(len(nearness), 'common language')} ({source})"


def _rows(of: str, cells: Floats, second: Floats, orders: NDArray[np.int16], note: str) -> list[dict[str, Any]]:
    """Compare one matrix with the second, over the cells that both have."""
    n = int((~np.isnan(cells)).sum())
    if not note and len(cells) < MIN_LANGUAGES:
        note = f"not possible, because {plural(len(cells), 'common language')} are fewer than {MIN_LANGUAGES}"
    if not note and not n:
        note = "not possible, because no cell is in both"
    sides = [centred_ranks(side) for side in (cells, np.where(np.isnan(cells), np.nan, second))] if not note else []
    rows = []
    for measure in _MEASURES:
        row: dict[str, Any] = {"of": of, "measure": measure, "correlation": np.nan, "p": np.nan, "n": n, "note": note}
        if sides:
            ranks = [side[measure] for side in sides]
            if any(not np.nan_to_num(side).any() for side in ranks):
                row["note"] = "not possible, because in one of the two there is no order"
            else:
                correlations = relabelled_correlations(ranks[0], ranks[1], orders)
                row |= {"correlation": float(correlations[0]), "p": tail(np.abs(correlations))}
        rows.append(row)
    return rows


def _sentences(result: OrderAgreement) -> list[str]:
    rows: dict[tuple[str, str], dict[Any, Any]] = {
        (row["of"], row["measure"]): row for row in result.table.to_dict("records")
    }
    said = [_of_bank(result, measure, rows[BANK, measure]) for measure in _MEASURES]
    if all(rows[BANK, measure]["note"] for measure in _MEASURES):
        return said
    said += [_beside(result, measure, rows) for measure in _MEASURES if not rows[BANK, measure]["note"]]
    for kind in KINDS:
        if note := rows[kind, WITHIN]["note"]:
            said.append(f"{WORDS[kind].capitalize()}: {note}.")
    how = "all" if result.exact else f"{result.n_permutations:,}"
    over = f"Over {plural(len(result.languages), 'language')}"
    if result.left_out:
        over += f", without those of which something is not known ({listed(result.left_out)})"
    return [
        *said,
        f"{over}; correlations of ranks; p: share of {how} relabellings of the languages that go at least as far "
        "together.",
    ]


def _finding(result: OrderAgreement, row: dict[Any, Any]) -> Finding:
    n_drawn = 0 if result.exact else result.n_permutations
    return Finding(row["correlation"], p=row["p"], name="r = ", n_drawn=n_drawn)


def _of_bank(result: OrderAgreement, measure: str, row: dict[Any, Any]) -> str:
    a, b = result.names
    what = _MEASURES[measure]
    if row["note"]:
        return f"Whether {a} orders {what} as {b} does: {row['note']}."
    r = _finding(result, row)
    words = r.choose(
        above=f"{a} orders {what} as {b} does, beyond chance",
        below=f"{a} orders {what} the other way round than {b}, beyond chance",
        undecided=f"Whether {a} orders {what} as {b} does is undecided",
    )
    return f"{words}: {r}, {plural(row['n'], 'cell')}."


def _beside(result: OrderAgreement, measure: str, rows: dict[tuple[str, str], dict[Any, Any]]) -> str:
    """Put the bank's agreement beside what is known without any training."""
    known = {kind: rows[kind, measure] for kind in KINDS if not rows[kind, measure]["note"]}
    if not known:
        return f"What is known without training cannot be compared with {result.names[1]} by {_MEASURES[measure]}."
    own = rows[BANK, measure]["correlation"]
    named = [f"{WORDS[kind]} {_finding(result, row)}" for kind, row in known.items()]
    better = [WORDS[kind] for kind, row in known.items() if row["correlation"] > own]
    verdict = (
        f"{', '.join(better)} {'reaches' if len(better) == 1 else 'reach'} more" if better else "none reaches more"
    )
    return (
        f"Known without training, by {_MEASURES[measure]}: {'; '.join(named)}; {verdict} than the {signed(own, 2)} of "
        f"{result.names[0]}."
    )
