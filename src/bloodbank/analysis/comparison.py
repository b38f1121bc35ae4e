r"""Two banks side by side: what differs, and how far they agree.

comparison = compare(bank, other)
print(*comparison.sentences(), sep="\n")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import donation, matrix, recipience
from bloodbank.errors import UsageError
from bloodbank.statistics.rank_agreement import LANGUAGES, rank_agreement
from bloodbank.statistics.tests import welch_interval
from bloodbank.wording import listed, plural, signed

TOP = (1, 3, 5, 10)
_MANY_LANGUAGES = 60
_LARGELY, _PARTLY = 0.7, 0.3  # rank correlations from which two orders are called alike
_LITTLE = "have little in common"
_LETTERS = {"finetune_score": "F", "donation": "D", "recipience": "R"}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What two banks say of the languages that both have; differences are always b - a.

    Shape:
        Matrices are `[donor, recipient]` over the common languages, in the order of the first bank.
    """

    names: tuple[str, str]
    languages: tuple[str, ...]
    only: tuple[tuple[str, ...], tuple[str, ...]]  #: languages of the one bank, and of the other, alone
    differences: pd.DataFrame  #: ΔF, a fraction of ε(M_t); missing where one of the two is
    difference_low: pd.DataFrame  #: its interval over seeds, by Welch's t; missing without two seeds in both
    difference_high: pd.DataFrame
    scores: pd.DataFrame  #: D and R of both over cells that both have; see `compare`
    correlations: pd.DataFrame  #: see `rank_agreement.rank_agreement`
    top: pd.DataFrame  #: k, shared, donors, expected: how many of the k most donating are the same
    sign_changes: pd.DataFrame  #: donor, recipient, finetune_a, finetune_b: largest difference first
    monolingual: pd.DataFrame | None  #: ε(M_t) of both and their difference, where they can be compared
    monolingual_note: str  #: why not, or what to keep in mind
    level: float  #: coverage of the intervals
    notes: tuple[str, ...]  #: what else differs between the banks

    @property
    def n_cells(self) -> int:
        """Cells that both banks have."""
        return int(self.differences.notna().to_numpy().sum())

    def sentences(self) -> list[str]:
        """Say what was compared, and how far cells, signs, orders and the languages' own scores agree."""
        return [
            _scope(self),
            *self.notes,
            *_differences(self),
            *(_ranks(self, score) for score in _LETTERS),
            *_most_donating(self),
            _own_scores(self),
        ]


def compare(
    a: Bank, b: Bank, *, n_resamples: int | None = None, seed: int = 0, level: float = 0.95, top: Sequence[int] = TOP
) -> Comparison:
    """Compare two banks on the languages that both have.

    D and R are taken over the common languages and over the cells that both have, so that they are not the banks' own.
    Raw scores are compared only where both banks have one tokenizer and one metric.

    Args:
        a: A bank.
        b: Another one. Differences are b - a.
        n_resamples: How often languages are drawn for the intervals of rank correlations; by default 1,000, and 300
            for more than 60 common languages.
        seed: Of the drawing.
        level: Coverage of the intervals.
        top: For how many of the most donating languages to count those that both have.

    Returns:
        The comparison. `scores` has one row for each common language: `donation_a`, `donation_b`,
        `donation_difference`, `donation_low` and `donation_high` (over seeds, where both have several and every cell
        has all of them), `donation_complete`, and the same for `recipience`.

    Raises:
        UsageError: Fewer than two languages are common, or an option is out of range.
    """
    common = common_languages(a, b)
    _check_options(n_resamples, level, top)
    if n_resamples is None:
        n_resamples = 300 if len(common) > _MANY_LANGUAGES else 1_000
    first, second = (_cells(bank.finetune_scores, common) for bank in (a, b))
    both = first.notna() & second.notna()
    first, second = first.where(both), second.where(both)
    seeds = tuple([_cells(table, common).where(both) for table in bank.replicates.values()] for bank in (a, b))
    stacks = [_stack(tables, len(common)) for tables in seeds]
    low, high = (matrix(ends, common) for ends in welch_interval(stacks[0], stacks[1], level))
    mono, mono_note = _monolingual(a, b, common)
    return Comparison(
        names=names_of(a, b),
        languages=tuple(common),
        only=tuple(tuple(code for code in bank.languages if code not in common) for bank in (a, b)),  # type: ignore[arg-type]  # two banks
        differences=second - first,
        difference_low=low,
        difference_high=high,
        scores=_scores(first, second, stacks, level),
        correlations=rank_agreement(
            first, second, seeds=(seeds[0], seeds[1]), n_resamples=n_resamples, seed=seed, level=level
        ),
        top=_top(first, second, top),
        sign_changes=_sign_changes(first, second),
        monolingual=mono,
        monolingual_note=mono_note,
        level=level,
        notes=tuple(_notes(a, b)),
    )


def names_of(a: Bank, b: Bank) -> tuple[str, str]:
    """Name two banks so that they can be told apart."""
    return (a.name, b.name) if a.name != b.name else (f"{a.name} (a)", f"{b.name} (b)")


def common_languages(a: Bank, b: Bank) -> list[str]:
    """Name the languages that both banks have, in the order of the first.

    Raises:
        UsageError: They are fewer than two.
    """
    common = [code for code in a.languages if code in set(b.languages)]
    if len(common) < 2:
        raise UsageError(
            f"{a.name} and {b.name} have {len(common)} languages in common; a comparison needs two or more. "
            f"{a.name} has {listed(a.languages)}; {b.name} has {listed(b.languages)}."
        )
    return common


def _check_options(n_resamples: int | None, level: float, top: Sequence[int]) -> None:
    if not 0 < level < 1:
        raise UsageError(f"level={level} is no coverage. Give a number between 0 and 1, such as 0.95.")
    if n_resamples is not None and n_resamples < 1:
        raise UsageError(f"n_resamples={n_resamples} is too few. Give 1 or more, such as 1000.")
    if any(k < 1 for k in top):
        raise UsageError(f"top={tuple(top)} has a number below 1. Give numbers of languages, such as (1, 3, 5).")


def _cells(table: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    cells = table.loc[list(codes), list(codes)].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    return matrix(cells, codes)


def _stack(tables: Sequence[pd.DataFrame], n: int) -> np.ndarray:
    return np.stack([table.to_numpy() for table in tables]) if tables else np.full((1, n, n), np.nan)


def _scores(first: pd.DataFrame, second: pd.DataFrame, stacks: Sequence[np.ndarray], level: float) -> pd.DataFrame:
    columns: dict[str, pd.Series[float]] = {}
    codes = list(first.index)
    for name, score in (("donation", donation), ("recipience", recipience)):
        left, right = score(first), score(second)
        whole = [np.stack([_whole_sums(score(matrix(cells, codes)), left) for cells in stack]) for stack in stacks]
        low, high = welch_interval(whole[0], whole[1], level)
        columns[f"{name}_a"], columns[f"{name}_b"] = left["sum"], right["sum"]
        columns[f"{name}_difference"] = right["sum"] - left["sum"]
        columns[f"{name}_low"], columns[f"{name}_high"] = (pd.Series(ends, index=left.index) for ends in (low, high))
        columns[f"{name}_complete"] = left["complete"]
    return pd.DataFrame(columns)


def _whole_sums(of_seed: pd.DataFrame, of_bank: pd.DataFrame) -> np.ndarray:
    # A seed that lacks a cell has another sum than the mean over seeds is made of
    return of_seed["sum"].where(of_seed["n_measured"] == of_bank["n_measured"]).to_numpy(dtype=float)


def _top(first: pd.DataFrame, second: pd.DataFrame, sizes: Sequence[int]) -> pd.DataFrame:
    rows = []
    scores = pd.DataFrame({"a": donation(first)["sum"], "b": donation(second)["sum"]}).dropna().sort_index()
    for k in dict.fromkeys(sizes):
        if k <= len(scores) // 2:  # beyond half of them, most are shared whatever the ranks
            best = [set(scores[side].sort_values(ascending=False, kind="stable").index[:k]) for side in ("a", "b")]
            shared = sorted(best[0] & best[1])
            rows.append((k, len(shared), tuple(shared), k * k / len(scores)))
    return pd.DataFrame(rows, columns=["k", "shared", "donors", "expected"])


def _sign_changes(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    left, right = first.to_numpy(), second.to_numpy()
    give, take = np.nonzero(left * right < 0)
    codes = first.index.to_numpy()
    table = pd.DataFrame(
        {
            "donor": codes[give],
            "recipient": codes[take],
            "finetune_a": left[give, take],
            "finetune_b": right[give, take],
        }
    )
    size = (table["finetune_b"] - table["finetune_a"]).abs()
    order = table.assign(size=-size).sort_values(["size", "donor", "recipient"]).index
    return table.loc[order].reset_index(drop=True)


def _monolingual(a: Bank, b: Bank, common: Sequence[str]) -> tuple[pd.DataFrame | None, str]:
    """Compare ε(M_t) where the banks have one tokenizer, one metric and one set of candidates; else say why not."""
    texts = [bank.provenance.get("corpora", {}) for bank in (a, b)]
    differing = [code for code in common if texts[0].get(code) != texts[1].get(code) or code not in texts[0]]
    left, right = (bank.monolingual.reindex(list(common)) for bank in (a, b))
    if reason := _unlike(a, b, differing):
        return None, f"ε(M_t) is not compared, because {reason}"
    if (left.isna() | right.isna()).all():
        return None, "ε(M_t) is not compared, because the banks have it of no common language"
    table = pd.DataFrame({"monolingual_a": left, "monolingual_b": right, "difference": right - left})
    if differing:
        return table, f"The texts of {listed(differing)} are not the same in both, so ε(M_t) differs for that too"
    return table, ""


def _unlike(a: Bank, b: Bank, differing: list[str]) -> str:
    """Say why ε of two banks is not of one quantity; empty where it is."""
    keys = [bank.provenance.get("tokenizer") for bank in (a, b)]
    if None in keys:
        unknown = " and ".join(bank.name for bank, key in zip((a, b), keys, strict=True) if key is None)
        return f"the tokenizer of {unknown} is not known"
    if keys[0] != keys[1]:
        return "the banks have different tokenizers"
    if a.metric != b.metric:
        return f"the metrics differ ({a.metric} and {b.metric})"
    if _candidates(a) != _candidates(b):
        return "models choose from all pieces in one bank and not in the other"
    if differing and _candidates(a) == "text":
        return f"models choose from the pieces of texts that are not the same in both ({listed(differing)})"
    return ""


def _candidates(bank: Bank) -> str:
    """Return `training.candidates`: all pieces before there was a choice, and in banks from elsewhere."""
    settings = bank.provenance.get("settings") or {}
    return str((settings.get("training") or {}).get("candidates", "vocabulary"))


def _notes(a: Bank, b: Bank) -> list[str]:
    differing = []
    for what, left, right in (
        ("metric", a.metric, b.metric),
        ("protocol", a.protocol, b.protocol),
        ("what models choose from", *(f"the {_candidates(bank)}'s pieces" for bank in (a, b))),
        ("unhealthy models", *("counted" if bank.include_unhealthy else "left out" for bank in (a, b))),
    ):
        if left != right:
            differing.append(f"The banks differ in {what} ({left} and {right}), so ΔF is not of one quantity.")
    return differing


def _scope(comparison: Comparison) -> str:
    a, b = comparison.names
    n = len(comparison.languages)
    alone = [
        f"only {name} has {listed(codes)}"
        for name, codes in zip(comparison.names, comparison.only, strict=True)
        if codes
    ]
    text = (
        f"{b} against {a} on {plural(n, 'common language')}: {comparison.n_cells} of {n * (n - 1)} cells are in both, "
        "and D and R are taken over these."
    )
    return f"{text} Left out: {'; '.join(alone)}." if alone else text


def _differences(comparison: Comparison) -> list[str]:
    cells = _known(comparison.differences)
    if not cells.size:
        return ["No cell is in both, so nothing can be compared."]
    low, high = _known(comparison.difference_low), _known(comparison.difference_high)
    sure = "which differ by more than their seeds do is not known, since that needs two seeds or more in both banks"
    if low.size:
        sure = (
            f"{int(((low > 0) | (high < 0)).sum())} of {low.size} cells with an interval over seeds differ by more "
            f"than it ({comparison.level:.0%}, where chance alone gives {(1 - comparison.level) * low.size:.0f})"
        )
    return [
        f"F of {comparison.names[1]} is higher in {int((cells > 0).sum())} and lower in {int((cells < 0).sum())} of "
        f"{plural(cells.size, 'cell')}, by {signed(100 * float(cells.mean()), 1)} percentage points on average (size "
        f"of a difference {100 * float(np.abs(cells).mean()):.1f}); {_signs(comparison)}; {sure}."
    ]


def _signs(comparison: Comparison) -> str:
    table = comparison.sign_changes
    if table.empty:
        return "no cell changes its sign"
    donor, recipient, before, after = table.iloc[0]
    return (
        f"{plural(len(table), 'cell')} {'changes its' if len(table) == 1 else 'change their'} sign, the largest "
        f"{donor}→{recipient} ({signed(100 * before, 1)}% and {signed(100 * after, 1)}%)"
    )


def _ranks(comparison: Comparison, score: str) -> str:
    letter, table = _LETTERS[score], comparison.correlations
    rows = table[(table["score"] == score) & (table["coefficient"] == "spearman")].set_index("resampled")
    by_kind: dict[Any, Any] = rows.to_dict("index")
    row = by_kind[LANGUAGES]
    value = float(row["value"])
    if np.isnan(value):
        return f"Rank correlation of {letter}: {row['note']}."
    intervals = [_interval(each["low"], each["high"], comparison.level, kind) for kind, each in by_kind.items()]
    note = f" ({row['note']})" if row["note"] else ""
    return (
        f"Rank correlation of {letter} (Spearman, n = {row['n']}): {signed(value, 2)}{''.join(intervals)}{note}: "
        f"{_verdict(value, float(row['low']), float(row['high']))}."
    )


def _verdict(value: float, low: float, high: float) -> str:
    words = "the orders are rather opposite"
    for least, alike in ((_LARGELY, "are largely alike"), (_PARTLY, "are alike in part"), (-_PARTLY, _LITTLE)):
        if value >= least:
            words = f"the orders {alike}"
            break
    unsure = low <= 0 <= high and abs(value) >= _PARTLY
    return f"{words}, but the interval includes 0" if unsure else words


def _interval(low: float, high: float, level: float, resampled: str) -> str:
    if np.isnan(low) or np.isnan(high):
        return ""
    return f" [{signed(low, 2)}, {signed(high, 2)}; {level:.0%}, {resampled} resampled]"


def _most_donating(comparison: Comparison) -> list[str]:
    table = comparison.top
    if table.empty:
        return []
    texts = [
        f"{shared} of the first {k}{f' ({listed(donors, 10)})' if shared else ''}, by chance {expected:.1f}"
        for k, shared, donors, expected in table.to_numpy(dtype=object)
    ]
    return [f"Most donating in both: {'; '.join(texts)}."]


def _own_scores(comparison: Comparison) -> str:
    note = f"{comparison.monolingual_note}." if comparison.monolingual_note else ""
    if comparison.monolingual is None:
        return note
    known = comparison.monolingual["difference"].dropna()
    counts = (
        f"ε(M_t) is higher in {comparison.names[1]} for {int((known > 0).sum())} and lower for "
        f"{int((known < 0).sum())} of {plural(len(known), 'language')}."
    )
    return f"{counts} {note}".strip()


def _known(table: pd.DataFrame) -> np.ndarray:
    cells: np.ndarray = table.to_numpy(dtype=float)
    return np.asarray(cells[~np.isnan(cells)])
