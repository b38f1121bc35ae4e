"""`bloodbank bank`, `select` and `recommend`: what can be asked of a bank, also of one that someone else measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from bloodbank.cli.app import app

if TYPE_CHECKING:
    from bloodbank.bank import Bank
    from bloodbank.bank.diversity import Diversity

bank = App(name="bank", help="A bank: import, export, compare.")
app.command(bank)


@bank.command(name="import")
def import_(
    file: Path,
    *,
    out: Path | None = None,
    donors: Literal["rows", "columns"] = "rows",
    values: Literal["auto", "ratio", "finetune", "score"] = "auto",
    name: str | None = None,
    monolingual: Path | None = None,
    covariates: Path | None = None,
    donor: str | None = None,
    recipient: str | None = None,
    value: str | None = None,
    seed: str | None = None,
    where: tuple[str, ...] = (),
    rename: tuple[str, ...] = (),
) -> None:
    """Make a bank of a matrix that someone else measured: CSV or Parquet, a matrix or one row a cell.

    Parameters
    ----------
    file
        The matrix; languages are codes of the table of languages.
    out
        Where `bank.json` and `matrix.csv` are written; by default nothing is written.
    donors
        What donors are in a matrix.
    values
        What the cells are: ratios to the recipient's own score, F, or raw scores; by default the diagonal tells.
    name
        Of the bank; the file's by default.
    monolingual
        CSV or JSON of the score of each language's own model.
    covariates
        CSV with a row for each language, and any columns.
    donor, recipient, value, seed
        Names of the columns, in a file with one row a cell.
    where
        `COLUMN=VALUE`, to choose among several values of a cell; may be given several times.
    rename
        `THEIRS=OURS`, for codes that differ; may be given several times.
    """
    from rich.console import Console

    from bloodbank.bank import render_bank, write_bank
    from bloodbank.bank.imported import ImportOptions
    from bloodbank.bank.importing import describe_import, import_bank

    options = ImportOptions(
        donors=donors,
        values=values,
        name=name,
        monolingual=monolingual,
        covariates=covariates,
        donor=donor,
        recipient=recipient,
        value=value,
        seed=seed,
        where=_pairs(where, "--where"),
        rename=_pairs(rename, "--rename"),
    )
    made = import_bank(file, options)
    console = Console()
    for line in describe_import(made):
        console.print(line, markup=False, highlight=False)
    console.print(render_bank(made, console.width))
    if out is not None:
        for path in write_bank(made, out):
            print(f"  {path}")


@bank.command
def export(source: Path, target: Path, *, format: str | None = None) -> None:  # noqa: A002 - the name of the option
    """Write a bank in another format.

    Parameters
    ----------
    source
        Run folder, `bank.json`, or a matrix.
    target
        The file: .csv, .parquet, .json, .graphml or .tex.
    format
        Instead of what the ending says: csv, long-csv, parquet, json, graphml or latex.
    """
    from bloodbank.bank.exporting import export_bank

    print(export_bank(_open(source), target, format))


@bank.command
def compare(first: Path, second: Path) -> None:
    """Compare two banks on the languages that both have: F, D and R, and whether they rank alike.

    Parameters
    ----------
    first, second
        Run folder, `bank.json`, or a matrix; differences are second minus first.
    """
    from bloodbank.bank.comparing import compare as compare_banks

    for line in compare_banks(_open(first), _open(second)).sentences():
        print(line)


@app.command
def select(
    source: Path,
    *,
    size: int | None = None,
    order: str | None = None,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    max_per_family: int | None = None,
    max_per_script: int | None = None,
    seed: int = 0,
) -> None:
    """Pick disjoint sets: most and least donating, most and least recipient, and random (section 6.1).

    Parameters
    ----------
    source
        Run folder, `bank.json`, or a matrix.
    size
        Languages in each set; by default the paper's: 4, but 3 in the recipient sets.
    order
        Names of the sets, separated by commas, the first to pick first.
    include, exclude
        Languages kept in or out, `zh,cy`, or of one set, `most_recipient:ne`; may be given several times.
    max_per_family, max_per_script
        Languages of one family, of one script, in a set.
    seed
        Of the random set.
    """
    from bloodbank.bank.selection import select_sets
    from bloodbank.bank.selection_input import split_choice
    from bloodbank.bank.selection_sentences import selection_lines

    sets = select_sets(
        _open(source).scores,
        sizes=size,
        order=_codes(order) if order else None,
        diversity=_diversity(max_per_family, max_per_script),
        include=split_choice(include, every="first"),
        exclude=split_choice(exclude, every="all"),
        seed=seed,
    )
    for line in selection_lines(sets):
        print(line)


@app.command
def recommend(
    source: Path,
    *,
    recipients: Annotated[str, Parameter(name="--for")],
    budget: int,
    candidates: Annotated[str | None, Parameter(name="--from")] = None,
    rho: float = 0.5,
    objective: Literal["diminishing", "sum"] = "diminishing",
    include: str = "",
    exclude: str = "",
    max_per_family: int | None = None,
    max_per_script: int | None = None,
) -> None:
    """Find the donors with the best score for some recipients; a score, not a gain in MRR.

    Parameters
    ----------
    source
        Run folder, `bank.json`, or a matrix.
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
    max_per_family, max_per_script
        Donors of one family, of one script.
    """
    from bloodbank.bank.recommending import recommend as recommend_donors

    found = recommend_donors(
        _open(source).finetune_scores,
        _codes(recipients),
        budget,
        candidates=_codes(candidates) if candidates else None,
        rho=rho,
        objective=objective,
        include=_codes(include),
        exclude=_codes(exclude),
        diversity=_diversity(max_per_family, max_per_script),
    )
    for line in found.lines():
        print(line)


def _open(path: Path) -> Bank:
    """Open a run, a bank, or a matrix of someone else's."""
    from bloodbank.bank.imported import ImportOptions
    from bloodbank.bank.importing import import_bank
    from bloodbank.results import open_run

    if path.is_dir():
        return open_run(path)
    return import_bank(path, ImportOptions())


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",") if code.strip()]


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    from bloodbank.errors import UsageError

    wrong = [text for text in texts if "=" not in text]
    if wrong:
        raise UsageError(f"{option} {wrong[0]}: give two names with = between them.")
    return {left.strip(): right.strip() for left, _, right in (text.partition("=") for text in texts)}


def _diversity(max_per_family: int | None, max_per_script: int | None) -> Diversity:
    from bloodbank.bank.diversity import Diversity

    return Diversity(max_per_family=max_per_family, max_per_script=max_per_script)
