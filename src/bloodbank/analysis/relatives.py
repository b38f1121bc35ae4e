r"""Do relatives give most? Where each recipient's nearest relative stands among its donors.

    result = relatives(bank, load_features(bank.languages))
    print(*result.sentences(), sep="\n")

Relatives are those of the family tree, and, for another answer, the languages that are most alike in typology. Cells
of F share donors and recipients: the languages of the table of relatives are relabelled, whole (QAP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.bank import Bank
from bloodbank.bank.health import MIN_LANGUAGES
from bloodbank.statistics.permutations import SAME, draw_orders, relabelled_means, tail
from bloodbank.statistics.two_way import departures
from bloodbank.typology.features import Features
from bloodbank.typology.relations import FAMILY, TYPOLOGY, relations
from bloodbank.wording import Finding, listed, plural

RELATIVES = (FAMILY, TYPOLOGY)
CELLS, DEPARTURES = "cells", "departures"
WORDS = {FAMILY: "nearest by family tree", TYPOLOGY: "most alike in typology"}
_CHANCE = 0.5  # place, from 0 to 1, of a donor taken at random
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Relatives:
    """Where relatives stand among donors.

    Attributes:
        cells: F, `[donor, recipient]`, languages by code.
        table: kind ("family" or "typology"), recipient, relatives (its nearest donors, several where they are equally
            near), n_donors, rank (1 gives most; of several relatives the mean), place (1: it gives most of all, 0:
            least) and place_after (the same after donor and recipient effects). One row for each kind and recipient
            that has a relative among its donors.
        tests: By kind and by what is ranked ("cells": F; "departures": F after donor and recipient effects): place
            (mean over recipients), rank (likewise; of F alone), expected (mean over the relabellings), p (two-sided),
            n (recipients), n_first (whose relative, or one of them, gives most), note (why it is not possible, or "").
        without: By kind, recipients without a relative among their donors.
        sources: By kind, where relations come from.
        n_permutations: Relabellings.
        exact: Every relabelling was taken, not a sample.
    """

    cells: pd.DataFrame
    table: pd.DataFrame
    tests: pd.DataFrame
    without: dict[str, tuple[str, ...]]
    sources: dict[str, str]
    n_permutations: int
    exact: bool

    def sentences(self) -> list[str]:
        """Say whether relatives give more than other donors; another finding gives another sentence."""
        return _sentences(self)


def relatives(bank: Bank, features: Features | str, *, n_permutations: int | None = None, seed: int = 0) -> Relatives:
    """Ask where the nearest relative of each recipient stands among its donors.

    Args:
        bank: The bank.
        features: Typological features of its languages, or why there are none. The family tree is Glottolog's: in
            full where the package urielplus is installed, else its topmost groups.
        n_permutations: Relabellings; by default 10,000, and 2,000 for more than 60 languages; all up to 7 languages.
        seed: Of the relabellings.

    Returns:
        Places and tests, for relatives by family tree and by typology.
    """
    codes = sorted(bank.languages)
    cells = bank.finetune_scores.loc[codes, codes].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    near = relations(codes, features)
    orders, exact = draw_orders(len(codes), n_permutations, seed)
    ranked = {CELLS: _places(cells), DEPARTURES: _places(departures(cells))}
    rows: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    without: dict[str, tuple[str, ...]] = {}
    for kind in RELATIVES:
        nearness = near.nearness[kind].to_numpy(dtype=float)
        nearest = _nearest(np.where(np.isnan(ranked[CELLS]), np.nan, nearness), least=kind == FAMILY)
        has_one = np.asarray(nearest.any(axis=0), dtype=bool)
        without[kind] = tuple(code for code, has in zip(codes, has_one, strict=True) if not has)
        note = _obstacle(near.nearness[kind], has_one, near.sources[kind])
        own = _of_recipients(kind, codes, nearest, ranked)
        rows += own
        for name, places in ranked.items():
            found = _test(places, nearest, orders, note)
            tests.append({"kind": kind, "ranked": name, "n": len(own), **found})
        tests[-2]["rank"] = float(np.mean([row["rank"] for row in own])) if own else np.nan
        tests[-2]["n_first"] = sum(row["first"] for row in own)
    columns = ["kind", "recipient", "relatives", "n_donors", "rank", "place", "place_after", "first"]
    return Relatives(
        cells=pd.DataFrame(cells, pd.Index(codes, name="donor"), pd.Index(codes, name="recipient")),
        table=pd.DataFrame(rows, columns=columns).drop(columns="first"),
        tests=pd.DataFrame(tests).set_index(["kind", "ranked"]),
        without=without,
        sources={kind: near.sources[kind] for kind in RELATIVES},
        n_permutations=len(orders) - (not exact),
        exact=exact,
    )


def _places(cells: Floats) -> Floats:
    """Place the donors of each recipient from 0, which gives least, to 1; equals share a place. A lone donor has none.

    Shape:
        Both `[donor, recipient]`.
    """
    ranks = pd.DataFrame(cells).rank()
    n_donors = ranks.notna().sum()
    places: Floats = ((ranks - 1) / (n_donors - 1).where(n_donors > 1)).to_numpy(dtype=float)
    return places


def _nearest(nearness: Floats, *, least: bool) -> Floats:
    """Weigh the nearest donors of each recipient, 1 in all, 0 the others; none where nobody is near at all (`least`).

    Shape:
        Both `[donor, recipient]`.
    """
    known = np.where(np.isnan(nearness), -np.inf, nearness)
    if least:
        known = np.where(known > 0, known, -np.inf)
    best = known.max(axis=0)
    is_nearest = np.isfinite(known) & (known >= best - SAME)
    return np.asarray(is_nearest / np.maximum(is_nearest.sum(axis=0), 1))


def _obstacle(nearness: pd.DataFrame, has_one: NDArray[np.bool_], source: str) -> str:
    if nearness.isna().to_numpy().all():
        return f"not possible, because nothing is known of these languages ({source})"
    if len(has_one) < MIN_LANGUAGES:
        return f"not possible, because {plural(len(has_one), 'language')} are fewer than {MIN_LANGUAGES}"
    if not has_one.any():
        return "not possible, because no recipient has a relative among its donors"
    return ""


def _of_recipients(kind: str, codes: list[str], nearest: Floats, ranked: dict[str, Floats]) -> list[dict[str, Any]]:
    rows = []
    for place, recipient in enumerate(codes):
        near = np.flatnonzero(nearest[:, place])
        if not len(near):
            continue
        of_donors, after = (ranked[name][:, place] for name in (CELLS, DEPARTURES))
        n_donors = int((~np.isnan(of_donors)).sum())
        rows.append(
            {
                "kind": kind,
                "recipient": recipient,
                "relatives": tuple(codes[donor] for donor in near),
                "n_donors": n_donors,
                "rank": 1 + (1 - float(of_donors[near].mean())) * (n_donors - 1),
                "place": float(of_donors[near].mean()),
                "place_after": float(after[near].mean()),
                "first": bool(of_donors[near].max() >= np.nanmax(of_donors)),
            }
        )
    return rows


def _test(places: Floats, nearest: Floats, orders: NDArray[np.int16], note: str) -> dict[str, Any]:
    row: dict[str, Any] = {"place": np.nan, "rank": np.nan, "expected": np.nan, "p": np.nan, "n_first": 0, "note": note}
    if note:
        return row
    means = relabelled_means(places, nearest, orders)
    known = means[~np.isnan(means)]
    row |= {"place": float(means[0]), "expected": float(known.mean())}
    if np.ptp(known) <= SAME:
        return row | {"note": "not possible, because whoever is related to whom, the mean place is the same"}
    from_chance = np.where(np.isnan(means), np.inf, np.abs(means - known.mean()))  # without a relative: as extreme
    return row | {"p": tail(from_chance)}


def _sentences(result: Relatives) -> list[str]:
    said = []
    tests: dict[Any, dict[Any, Any]] = result.tests.to_dict("index")
    for kind in RELATIVES:
        raw, after = tests[kind, CELLS], tests[kind, DEPARTURES]
        if raw["note"] and after["note"]:
            said.append(f"Whether the donor that is {WORDS[kind]} gives most: {raw['note']}.")
            continue
        said.append(_found(result, kind, raw, after))
        if result.without[kind]:
            named = listed(result.without[kind])
            said.append(f"Without a donor that is known to be related: {named} (by {result.sources[kind]}).")
    if result.tests["p"].notna().any():
        how = "all" if result.exact else f"{result.n_permutations:,}"
        said.append(
            f"A place of 1 is that of the donor that gives most, 0 of the one that gives least; p: share of {how} "
            "relabellings of the languages whose mean place is at least as far from chance."
        )
    return said


def _found(result: Relatives, kind: str, raw: dict[Any, Any], after: dict[Any, Any]) -> str:
    n_drawn = 0 if result.exact else result.n_permutations
    who = f"the donor that is {WORDS[kind]}"
    if raw["note"]:
        text = f"Whether {who} gives most: {raw['note']}"
    else:
        place = Finding(raw["place"] - raw["expected"], p=raw["p"], n_drawn=n_drawn)
        opening = place.choose(
            above=f"Relatives give more than others: {who} stands",
            below=f"Relatives give less than others: {who} stands",
            undecided=f"Whether {who} gives more or less than others is undecided: it stands",
        )
        n_donors = result.table.loc[result.table["kind"] == kind, "n_donors"].mean()
        text = (
            f"{opening} at place {raw['place']:.2f} on average, where chance gives {raw['expected']:.2f} "
            f"({place.chance}; rank {raw['rank']:.1f} of {n_donors:.3g}, first for {raw['n_first']} of "
            f"{plural(raw['n'], 'recipient')})"
        )
    if after["note"]:
        return f"{text}; after donor and recipient effects: {after['note']}."
    left = Finding(after["place"] - after["expected"], p=after["p"], n_drawn=n_drawn)
    words = left.choose(above="more than others", below="less than others", undecided="undecided")
    return f"{text}; after donor and recipient effects {words}: {after['place']:.2f} ({left.chance})."
