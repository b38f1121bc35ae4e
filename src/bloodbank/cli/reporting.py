"""`bloodbank bank report`, `bank typology` and `bank transfer-scores`: what the numbers of a bank say."""

from __future__ import annotations

from pathlib import Path

from bloodbank.cli.app import Baseline, Source
from bloodbank.cli.banks import bank


@bank.command
def report(
    source: Source,
    *,
    out: Path | None = None,
    language: str = "en",
    typology: Path | None = None,
    baseline: Baseline | None = None,
    png: bool = False,
) -> None:
    """Write all that can be said of a bank: one HTML file, and every figure beside it.

    Parameters
    ----------
    out
        Folder of `report.html` and `figures`; by default `report` in the run folder, else `NAME-report` here.
    language
        Of which it is asked whether it is the best donor.
    typology
        CLDF folder such as WALS or Grambank, for typological features; without one those of URIEL, where the package
        urielplus is installed.
    png
        Write the figures as PNG, too, not as SVG alone.
    """
    from bloodbank.languages import get_language
    from bloodbank.pipeline.layout import is_run_folder
    from bloodbank.pipeline.open_bank import find_source, open_bank
    from bloodbank.report import write_report
    from bloodbank.store import file_name
    from bloodbank.typology import features_or_reason

    get_language(language)
    opened, place = open_bank(source, baseline=baseline), find_source(source)
    tables = place if place.is_dir() else place.parent if place.name == "bank.json" else None
    if out is None:
        out = place / "report" if is_run_folder(place) else Path(f"{file_name(opened.name)}-report")
    features = features_or_reason(opened.languages, typology)
    print(write_report(opened, out, tables=tables, language=language, features=features, png=png))


@bank.command
def typology(
    source: Source,
    *,
    features: Path | None = None,
    area: tuple[str, ...] = ("syntax",),
    most: int = 10,
    level: float = 0.05,
    table: Path | None = None,
) -> None:
    """Test which features go with high F between languages that share them.

    Parameters
    ----------
    features
        CLDF folder of a StructureDataset such as WALS or Grambank; by default the features of URIEL, which need the
        package urielplus.
    area
        For URIEL, which features: syntax, phonology, inventory; may be given several times.
    most
        Features that are described one by one.
    level
        Corrected p up to which a feature counts as found.
    table
        CSV with one row for each tested feature, if wanted.
    """
    from bloodbank.analysis.typology import feature_effects
    from bloodbank.errors import UsageError
    from bloodbank.pipeline.open_bank import open_bank
    from bloodbank.store import replace_file
    from bloodbank.typology import load_features

    if not 0 < level < 1:
        raise UsageError(f"--level {level:g}: give a probability between 0 and 1, such as 0.05.")
    if most < 0:
        raise UsageError(f"--most {most}: give 0 or more.")
    opened = open_bank(source)
    known = load_features(opened.languages, features, areas=area)
    for line in (*known.lines(), *known.coverage_lines()):
        print(line)
    effects = feature_effects(opened.finetune_scores, known)
    for line in effects.lines(level=level, max_named=most):
        print(line)
    if table is not None:
        with replace_file(table) as temporary:
            effects.table.to_csv(temporary, lineterminator="\n")
        print(f"  {table}")


@bank.command
def transfer_scores(source: Path, *, budget_tokens: int | None = None, table: Path | None = None) -> None:
    """Say how many tokens the company of another language saves or costs: the transfer score of ATLAS (2025).

    Parameters
    ----------
    source
        Run folder, or the name of a bank that comes with bloodbank: its `loss_curves.csv` is read.
    budget_tokens
        The pieces after which the loss of a language's own model is to be reached; by default all that it read.
    table
        CSV with one row a pair, if wanted.
    """
    from bloodbank.analysis.atlas_score import transfer_scores as score_bank
    from bloodbank.pipeline.open_bank import find_source, open_bank
    from bloodbank.store import replace_file

    place = find_source(source)
    folder = place if place.is_dir() else place.parent
    scores = score_bank(open_bank(source), folder / "loss_curves.csv", budget_tokens=budget_tokens)
    for line in scores.sentences():
        print(line)
    if table is not None:
        with replace_file(table) as temporary:
            scores.pairs.to_csv(temporary, index=False, lineterminator="\n")
        print(f"  {table}")
