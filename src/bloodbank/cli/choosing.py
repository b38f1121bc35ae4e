"""`bloodbank select` and `recommend`: which languages to pretrain on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from bloodbank.cli.app import Baseline, Source, app

if TYPE_CHECKING:
    from bloodbank.bank import Bank
    from bloodbank.choosing.diversity import Diversity


@app.command
def select(
    source: Source,
    *,
    size: int | None = None,
    order: str | None = None,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    max_per_family: int | None = None,
    max_per_script: int | None = None,
    min_distance: float | None = None,
    features: Path | None = None,
    baseline: Baseline | None = None,
    seed: int = 0,
) -> None:
    """Pick disjoint sets: most and least donating, most and least recipient, and random (section 6.1).

    Parameters
    ----------
    size
        Languages in each set; by default the paper's: 4, but 3 in the recipient sets.
    order
        Names of the sets, separated by commas, the first to pick first.
    include, exclude
        Languages kept in or out, `zh,cy`, or of one set, `most_recipient:ne`; may be given several times.
    max_per_family, max_per_script
        Languages of one family, of one script, in a set.
    min_distance, features
        Least share of typological features in which two languages of a set differ, from 0 to 1, and the CLDF folder of
        these features (WALS, Grambank); without a folder those of URIEL (needs the package urielplus).
    seed
        Of the random set.
    """
    from bloodbank.analysis.verdict import verdict
    from bloodbank.choosing.select import select_sets, selection_lines, split_choice
    from bloodbank.pipeline.open_bank import open_bank

    opened = open_bank(source, baseline=baseline)
    sets = select_sets(
        opened.scores,
        sizes=size,
        order=_codes(order) if order else None,
        diversity=_diversity(opened, max_per_family, max_per_script, min_distance, features),
        include=split_choice(include, every="first"),
        exclude=split_choice(exclude, every="all"),
        seed=seed,
    )
    print(verdict(opened).against("donation", "recipience"))
    for line in selection_lines(sets):
        print(line)


@app.command
def recommend(
    source: Source,
    *,
    recipients: Annotated[str, Parameter(name="--for")],
    budget: int,
    candidates: Annotated[str | None, Parameter(name="--from")] = None,
    rho: float = 0.5,
    objective: Literal["diminishing", "sum"] = "diminishing",
    include: str = "",
    exclude: str = "",
    exact_size: bool = False,
    max_per_family: int | None = None,
    max_per_script: int | None = None,
    min_distance: float | None = None,
    features: Path | None = None,
    baseline: Baseline | None = None,
    protocol: str | None = None,
    anyway: bool = False,
) -> None:
    """Find the donors with the best score for some recipients; a score, not a gain in MRR.

    Parameters
    ----------
    recipients
        Codes of the languages that are to gain, separated by commas.
    budget
        Donors at most.
    candidates
        Codes of the donors to choose from; all languages of the bank by default.
    rho
        What the next donor of a recipient counts, from 0 (only the best) to 1.
    objective
        `diminishing`: returns fall by rho with each donor. `sum`: the paper's assumption.
    include, exclude
        Donors to keep in or out.
    exact_size
        Take as many donors as the budget says, even where fewer score higher.
    max_per_family, max_per_script
        Donors of one family, of one script.
    min_distance, features
        Least share of typological features in which two donors differ, from 0 to 1, and the CLDF folder of these
        features (WALS, Grambank); without a folder those of URIEL (needs the package urielplus).
    protocol
        Where the run has several: which; the first by default. `zero_shot` in every run.
    anyway
        Show a set even where the order of donors does not repeat from seed to seed, or is known from one seed.
    """
    from bloodbank.choosing.of_bank import recommend_from
    from bloodbank.pipeline.open_bank import open_bank

    opened = open_bank(source, protocol=protocol, baseline=baseline)
    lines = recommend_from(
        opened,
        _codes(recipients),
        budget,
        candidates=_codes(candidates) if candidates else None,
        rho=rho,
        objective=objective,
        include=_codes(include),
        exclude=_codes(exclude),
        exact_size=exact_size,
        diversity=_diversity(opened, max_per_family, max_per_script, min_distance, features),
        anyway=anyway,
    )
    for line in lines:
        print(line)


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",") if code.strip()]


def _diversity(
    opened: Bank,
    max_per_family: int | None,
    max_per_script: int | None,
    min_distance: float | None,
    features: Path | None,
) -> Diversity:
    from bloodbank.choosing.diversity import Diversity

    apart = None
    if min_distance is not None:
        from bloodbank.typology import distances, load_features

        apart = distances(load_features(opened.languages, features))
    return Diversity(
        max_per_family=max_per_family, max_per_script=max_per_script, min_distance=min_distance, distances=apart
    )
