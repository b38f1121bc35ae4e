"""What is pretrained on: the paper's four configurations on any bank, and the sets that are added to them (Table 2).

The languages are picked as `bloodbank select` picks them:

    design = make_design(bank.scores, settings)
    [(configuration.name, configuration.languages) for configuration in design.configurations]
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
_DONATING = {"most_donating": MOST, "random": RANDOM, "least_donating": LEAST}
_DRAWS_A_SET = 1_000  # random draws for each set that is wanted, before it is said that there are no more


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
        """Say which sets there are."""
        width = max(len(configuration.name) for configuration in self.configurations)
        lines = [f"C, fine-tuned and tested on: most recipient {' '.join(self.most_recipient)}; "
                 f"least recipient {' '.join(self.least_recipient)}"]  # fmt: skip
        for configuration in self.configurations:
            shown = " ".join(configuration.languages)
            if configuration.added and configuration.kind != "given":
                shown += f" = C and {' '.join(configuration.added)}"
            lines.append(f"  {configuration.name:{width}}  {shown}")
        return lines

    def table(self) -> pd.DataFrame:
        """Make Table 2: `configuration`, `added` to C, `languages`, `n_languages`."""
        rows = [(each.name, " ".join(each.added), " ".join(each.languages), len(each.languages))
                for each in self.configurations]  # fmt: skip
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
    unknown = sorted({code for codes in given.values() for code in codes} - set(scores.index))
    if unknown:
        raise UsageError(
            f"downstream: the bank has no {', '.join(unknown)}, which a set names. It has "
            f"{', '.join(map(str, scores.index))}."
        )
    sizes = {name: settings.recipient_size if name.endswith("recipient") else settings.set_size for name in SETS}
    sizes |= {name: len(codes) for name, codes in given.items()}
    exclude = list(settings.exclude)
    # Donors pick before recipients, as in section 6.1; the random set has what is left.
    selections = select_sets(scores, sizes=sizes, include=given, exclude=exclude, seed=settings.random_seed)
    picked = {selection.name: selection for selection in selections}
    most, least = picked["most_recipient"].languages, picked["least_recipient"].languages
    shared = (*most, *least)
    configurations = [_with(shared, CONTROL, (), "paper")]
    configurations += [_with(shared, name, picked[key].languages, "paper") for key, name in _DONATING.items()]
    free = [code for code in sorted(scores.index) if code not in shared and code not in exclude]
    configurations += _random_sets(shared, free, settings, {frozenset(each.added) for each in configurations})
    for name, codes in settings.more_sets.items():
        if name in {each.name for each in configurations}:
            raise UsageError(f"downstream.more_sets: {name!r} is the name of another configuration. Take another.")
        configurations.append(_with((), name, codes, "given"))
    reasons = {
        name: tuple(f"{row.language}: {row.reason}" for row in each.decisions.itertuples() if row.decision != "skipped")
        for name, each in picked.items()
    }
    return Design(tuple(configurations), most, least, reasons)


def _with(shared: Sequence[str], name: str, added: Sequence[str], kind: str) -> Configuration:
    return Configuration(name, tuple(sorted((*shared, *added))), tuple(added), kind)


def _random_sets(
    shared: Sequence[str], free: Sequence[str], settings: DownstreamSettings, taken: set[frozenset[str]]
) -> list[Configuration]:
    """Draw different sets of `set_size` languages outside C, none of which is there already."""
    n_wanted, size = settings.random_sets, settings.set_size
    random = generator("downstream random sets", settings.random_seed)
    drawn: list[Configuration] = []
    for _ in range(_DRAWS_A_SET * n_wanted if len(free) >= size else 0):
        codes = tuple(str(code) for code in random.choice(np.array(free, dtype=object), size, replace=False))
        if frozenset(codes) not in taken:
            taken.add(frozenset(codes))
            drawn.append(_with(shared, f"random set {len(drawn) + 1} + C", codes, "random"))
        if len(drawn) == n_wanted:
            break
    if len(drawn) < n_wanted:
        raise UsageError(
            f"downstream.random_sets = {n_wanted}: only {len(drawn)} more different sets of {size} can be drawn from "
            f"the {len(free)} languages outside C. Ask for fewer or other ones, or smaller sets."
        )
    return drawn
