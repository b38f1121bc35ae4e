"""What is pretrained on: the paper's four configurations on any bank, and the sets that are added to them (Table 2).

Pure functions; nothing is read or written.

    design = make_design(bank.scores, settings)
    [(one.name, one.languages) for one in design.configurations]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.choosing.select import select_sets
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import SETS, DownstreamSettings
from bloodbank.randomness import generator

CONTROL = "control"
MOST, RANDOM, LEAST = "most donating + C", "random + C", "least donating + C"
_NAMES = {"most_donating": MOST, "random": RANDOM, "least_donating": LEAST}


@dataclass(frozen=True)
class Configuration:
    """A set of languages that a model is pretrained on.

    Attributes:
        name: In tables.
        languages: All of them, P, sorted by code.
        added: Those besides C, in the order in which they were picked.
        kind: `paper`, `random` (one of many, for the regression) or `given`.
    """

    name: str
    languages: tuple[str, ...]
    added: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Design:
    """The sets of an experiment.

    Attributes:
        configurations: Control first.
        most_recipient: R⁺, the languages that take most.
        least_recipient: R⁻.
        reasons: For each set, why each language is in it.
    """

    configurations: tuple[Configuration, ...]
    most_recipient: tuple[str, ...]
    least_recipient: tuple[str, ...]
    reasons: dict[str, tuple[str, ...]]

    @property
    def downstream(self) -> tuple[str, ...]:
        """C, both groups: the languages that taggers are fine-tuned and tested on."""
        return (*self.most_recipient, *self.least_recipient)

    def lines(self) -> list[str]:
        """Say which sets there are, and why."""
        width = max(len(one.name) for one in self.configurations)
        found = [f"C, fine-tuned and tested on: most recipient {' '.join(self.most_recipient)}; "
                 f"least recipient {' '.join(self.least_recipient)}"]  # fmt: skip
        for one in self.configurations:
            more = f" = C and {' '.join(one.added)}" if one.added and one.kind != "given" else ""
            found.append(f"  {one.name:{width}}  {' '.join(one.languages)}{more}")
        return found

    def table(self) -> pd.DataFrame:
        """Make Table 2: `configuration`, `added` to C, `languages`, `n_languages`."""
        rows = [
            (one.name, " ".join(one.added), " ".join(one.languages), len(one.languages)) for one in self.configurations
        ]
        return pd.DataFrame(rows, columns=["configuration", "added", "languages", "n_languages"])


def make_design(scores: pd.DataFrame, settings: DownstreamSettings) -> Design:
    """Choose the sets: C, and what is added to it.

    Args:
        scores: D and R by language, see `bloodbank.choosing.select.select_sets`.
        settings: Sizes, sets that are given, and further ones.

    Returns:
        Disjoint sets: Control is C alone, the others C with the languages that donate most, least, or at random.

    Raises:
        UsageError: The bank has too few languages, or a name stands for two configurations.

    Source:
        Section 6.1 and Table 2.
    """
    given = settings.given_sets()
    sizes = {
        name: len(given[name])
        if name in given
        else settings.recipient_size
        if name.endswith("recipient")
        else settings.set_size
        for name in SETS
    }
    unknown = sorted({code for codes in given.values() for code in codes} - set(scores.index))
    if unknown:
        raise UsageError(
            f"downstream: the bank has no {', '.join(unknown)}, which a set names. It has "
            f"{', '.join(map(str, scores.index))}."
        )
    # Donors pick before recipients, as in section 6.1; the random set has what is left.
    picked = {
        one.name: one
        for one in select_sets(
            scores,
            sizes=sizes,
            include=given,
            exclude=list(settings.exclude),
            seed=settings.random_seed,
        )
    }
    groups = picked["most_recipient"].languages, picked["least_recipient"].languages
    shared = (*groups[0], *groups[1])
    found = [Configuration(CONTROL, tuple(sorted(shared)), (), "paper")]
    found += [_with(shared, label, picked[name].languages, "paper") for name, label in _NAMES.items()]
    free = [code for code in sorted(scores.index) if code not in shared and code not in settings.exclude]
    found += _random_sets(shared, free, settings, [one.added for one in found])
    for name, codes in settings.more_sets.items():
        if name in {one.name for one in found}:
            raise UsageError(f"downstream.more_sets: {name!r} is the name of another configuration. Take another.")
        found.append(Configuration(name, tuple(sorted(codes)), tuple(codes), "given"))
    reasons = {
        name: tuple(f"{row.language}: {row.reason}" for row in one.decisions.itertuples() if row.decision != "skipped")
        for name, one in picked.items()
    }
    return Design(tuple(found), *groups, reasons)


def _with(shared: Sequence[str], name: str, added: Sequence[str], kind: str) -> Configuration:
    return Configuration(name, tuple(sorted((*shared, *added))), tuple(added), kind)


def _random_sets(
    shared: Sequence[str], free: Sequence[str], settings: DownstreamSettings, taken: Sequence[tuple[str, ...]]
) -> list[Configuration]:
    """Draw different sets of `set_size` languages outside C, none of which is there already."""
    wanted, size = settings.random_sets, settings.set_size
    if not wanted:
        return []
    seen = {frozenset(one) for one in taken}
    random = generator("downstream random sets", settings.random_seed)
    found: list[Configuration] = []
    for _ in range(1_000 * wanted if len(free) >= size else 0):
        codes = tuple(str(code) for code in random.choice(np.array(free, dtype=object), size, replace=False))
        if frozenset(codes) in seen:
            continue
        seen.add(frozenset(codes))
        found.append(_with(shared, f"random set {len(found) + 1} + C", codes, "random"))
        if len(found) == wanted:
            return found
    raise UsageError(
        f"downstream.random_sets = {wanted}: only {len(found)} more different sets of {size} can be drawn from the "
        f"{len(free)} languages outside C. Ask for fewer or other ones, or smaller sets."
    )
