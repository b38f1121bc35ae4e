"""`bloodbank bank`: import, export and compare banks, of a run or of someone else."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cyclopts import App

from bloodbank.cli.app import Baseline, Source, app

bank = App(name="bank", help="A bank: import, export, compare, report, typology, transfer scores.")
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

    from bloodbank.bank import write_bank
    from bloodbank.bank.importing.read_matrix import ImportOptions, describe_import, import_bank
    from bloodbank.report.terminal import render_bank

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
        where=_pairs(where, "--where") or None,
        rename=_pairs(rename, "--rename") or None,
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
def export(
    source: Source,
    target: Path,
    *,
    format: str | None = None,  # noqa: A002 - the name of the option
    baseline: Baseline | None = None,
) -> None:
    """Write a bank in another format.

    Parameters
    ----------
    target
        The file: .csv, .parquet, .json, .graphml or .tex.
    format
        Instead of what the ending says: csv, long-csv, parquet, json, graphml or latex.
    """
    from bloodbank.bank.exporting import export_bank
    from bloodbank.pipeline.open_bank import open_bank

    print(export_bank(open_bank(source, baseline=baseline), target, format))


@bank.command
def compare(first: Path, second: Path, *, features: Path | None = None, table: Path | None = None) -> None:
    """Compare two banks on the languages that both have: F, D and R, and whether they order donors alike.

    Parameters
    ----------
    first, second
        Run folder, `bank.json`, a matrix, or the name of a bank that comes with bloodbank; differences are second minus
        first. The second may be a matrix of another kind, such as zero-shot transfer of a large model.
    features
        CLDF folder such as WALS or Grambank, for likeness in typology; without one URIEL's, where the package urielplus
        is installed.
    table
        CSV with how far the first bank, family, script, typology and the map order donors as the second, if wanted.
    """
    from bloodbank.analysis.comparison import compare as compare_banks
    from bloodbank.analysis.order_agreement import order_agreement
    from bloodbank.pipeline.open_bank import open_bank
    from bloodbank.store import replace_file
    from bloodbank.typology import features_or_reason

    a, b = open_bank(first), open_bank(second)
    for line in compare_banks(a, b).sentences():
        print(line)
    agreement = order_agreement(a, b, features_or_reason(a.languages, features))
    for line in agreement.sentences():
        print(line)
    if table is not None:
        with replace_file(table) as temporary:
            agreement.table.to_csv(temporary, index=False, lineterminator="\n")
        print(f"  {table}")


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    from bloodbank.errors import UsageError

    wrong = [text for text in texts if "=" not in text]
    if wrong:
        raise UsageError(f"{option} {wrong[0]}: give two names with = between them.")
    return {left.strip(): right.strip() for left, _, right in (text.partition("=") for text in texts)}
