"""An audit as rows for CSV, one a language; numbers are not rounded.

pd.DataFrame(csv_rows(audit)).to_csv(path, index=False)
"""

from __future__ import annotations

from collections.abc import Mapping

from bloodbank.corpus.audit_record import Audit, Foreign, LanguageAudit, known
from bloodbank.corpus.audit_values import NOT_COMPUTED
from bloodbank.corpus.audit_wording import DISTANCES
from bloodbank.corpus.distances import Distance

Value = float | str | None


def csv_rows(audit: Audit) -> list[dict[str, str | float]]:
    """Flatten an audit to one row a language, with the same columns whatever is missing; that is an empty string.

    Args:
        audit: The audit.

    Returns:
        Rows, in the order of the languages. Counts are whole numbers, shares lie between 0 and 1.
    """
    return [{name: _plain(value) for name, value in _row(audit, one).items()} for one in audit.languages]


def _row(audit: Audit, one: LanguageAudit) -> dict[str, Value]:
    row: dict[str, Value] = {"code": one.code, "name": one.name, "family": one.family, "script": one.script}
    row |= {"source_chars": one.value("source_size", "n_chars"), "source_exact": one.value("source_size", "exact")}
    row |= {"source_share_read": one.value("source_size", "share_read")}
    for part, group in (("train", "sample"), ("dev", "dev"), ("test", "test")):
        for unit in ("chars", "bytes", "words", "sentences", "paragraphs"):
            row[f"{part}_{unit}"] = one.value(group, f"n_{unit}")
    for name in ("n_tokens", "n_unique", "unique_ratio", "n_unknown", "unknown_rate", "updates_per_epoch"):
        row[name.replace("n_u", "u", 1).replace("n_t", "t", 1)] = one.value("tokens", name)
    row |= {name: one.value("tokens", name) for name in ("vocabulary_share", "exclusive_share")}
    row["fertility"] = one.fertility
    for field in DISTANCES:
        row |= _distance_cells(field, getattr(one, field))
    row |= {f"foreign_{name}": one.value("foreign", name) for name in ("by_line", "by_char", "undecided")}
    row["foreign_languages"] = _pairs(one.foreign.languages) if isinstance(one.foreign, Foreign) else None
    row["script_shares"] = None if isinstance(one.scripts, str) else _pairs(one.scripts.shares)
    row["script_outside"] = one.value("scripts", "outside")
    largest = audit.largest_overlap(one.code) or (None, None)
    row |= {"overlap_own": audit.own_overlap(one.code), "overlap_other": largest[1], "overlap_with": largest[0]}
    row |= {"near_duplicates": one.value("near_duplicates", "n")}
    row |= {"near_duplicate_share": one.value("near_duplicates", "share"), "licence": one.licence, "origin": one.origin}
    return row | {"removed": _pairs(one.removed), "flags": " ".join(audit.flags.get(one.code, []))}


def _distance_cells(field: str, found: Distance | str) -> dict[str, Value]:
    names = ("emd", "emd_relative", "mean", "random_low", "random_high", "running_low", "running_high", "against")
    values: tuple[Value, ...] = (None,) * len(names)
    if isinstance(found, Distance):
        running = (None, None) if isinstance(found.stretches, str) else (found.stretches.low, found.stretches.high)
        random = (found.random.low, found.random.high)
        values = (found.value, found.relative, found.mean, *random, *running, found.against)
    return {f"{field}_{name}": value for name, value in zip(names, values, strict=True)}


def _pairs(numbers: Mapping[str, float]) -> str:
    return " ".join(f"{name}:{value:.6g}" for name, value in numbers.items())


def _plain(value: Value) -> str | float:
    return value if known(value) or (isinstance(value, str) and not value.startswith(NOT_COMPUTED)) else ""
