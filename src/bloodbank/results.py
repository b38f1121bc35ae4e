"""The results of a run: tables, banks and figures, written from the scores that are there, and opened again.

The bank of the first budget and protocol stands in the run folder itself; RUN/PROTOCOL/ and RUN/budget-N/ hold others.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bloodbank.bank import Bank, build_bank, draw_curves, draw_heatmap, draw_plane, read_bank, write_bank
from bloodbank.bank.averages import FERTILITY, FOREIGN_SHARE, by_language
from bloodbank.bank.files import BANK_FILE
from bloodbank.bank.uncertainty import with_intervals
from bloodbank.corpus import read_summary
from bloodbank.corpus.audit_figures import draw_audit
from bloodbank.corpus.audit_record import Audit, known
from bloodbank.corpus.audit_rows import csv_rows
from bloodbank.corpus.card import data_card
from bloodbank.errors import UsageError
from bloodbank.runfolder import bank_settings, is_run_folder, read_experiment
from bloodbank.store import PROVENANCE, Store, replace_file
from bloodbank.transfer import (
    LOSS_CURVES,
    MEASUREMENTS,
    SENTENCE_SCORES,
    Plan,
    read_measurements,
    read_records,
    write_tables,
)
from bloodbank.transfer.audit import AUDIT_FILE, OVERLAP_FILE, read_audit

_SHIPPED = Path(__file__).parent / "banks"


def open_run(folder: str | Path, *, protocol: str | None = None, budget: int | None = None) -> Bank:
    """Open a bank of a finished run, with its measurements where they are there.

    Args:
        folder: The run folder.
        protocol: Where the run has several: which; the first by default.
        budget: Where the run has several: which, in characters; the first by default.

    Raises:
        UsageError: There is no such bank in it.
    """
    place = bank_folder(Path(folder), protocol, budget)
    bank = read_bank(place)
    tables = _tables(place)
    return bank if tables is None else dataclasses.replace(bank, measurements=read_measurements(tables / MEASUREMENTS))


class OpenedBank(NamedTuple):
    """A bank of a run, with what stands beside it: None where it is not there."""

    bank: Bank  #: with its measurements
    sentence_scores: Path | None
    audit: Audit | None


def open_all(folder: Path) -> list[OpenedBank]:
    """Open every bank of a run, all budgets and protocols in the order of the experiment, or the one of another folder.

    Those that were added to the experiment, but not run yet, are left out.

    Raises:
        UsageError: There is no bank, or a file beside it is damaged.
    """
    wanted: list[tuple[str | None, int | None]] = [(None, None)]
    if is_run_folder(folder):
        first = read_experiment(folder)
        wanted += [(protocol, budget) for budget in first.corpus.budgets for protocol in first.grid.protocols][1:]
    found: list[OpenedBank] = []
    for protocol, budget in wanted:
        place = bank_folder(folder, protocol, budget)
        if not found or (place / BANK_FILE).is_file():
            bank = open_run(folder, protocol=protocol, budget=budget)
            tables = _tables(place) or place
            scores = tables / SENTENCE_SCORES
            found.append(OpenedBank(bank, scores if scores.is_file() else None, _audit_of(tables / AUDIT_FILE)))
    return found


def _tables(place: Path) -> Path | None:
    # The tables hold all protocols, and stand where the bank of the first one is.
    return next((one for one in (place, place.parent) if (one / MEASUREMENTS).exists()), None)


def _audit_of(path: Path) -> Audit | None:
    try:
        return Audit.model_validate_json(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is damaged ({error}). `bloodbank corpus audit` makes it anew.") from error


def bank_folder(folder: Path, protocol: str | None, budget: int | None) -> Path:
    """Find the folder of one of the banks of a run.

    Raises:
        UsageError: Names the banks that there are.
    """
    if protocol is None and budget is None:
        return folder
    first = read_experiment(folder)
    protocols, budgets = first.grid.protocols, first.corpus.budgets
    if protocol not in (None, *protocols) or budget not in (None, *budgets):
        raise UsageError(
            f"{folder} has no bank of {protocol or 'any protocol'} with {f'{budget:,}' if budget else 'any number of'} "
            f"characters. Protocols: {', '.join(protocols)}; budgets: {', '.join(map(str, budgets))}."
        )
    place = folder if budget in (None, budgets[0]) else folder / f"budget-{budget}"
    return place if protocol in (None, protocols[0]) else place / str(protocol)


def write_results(plan: Plan, store: Store) -> Bank:
    """Build the banks from the scores that are there; write tables, banks and figures.

    Returns:
        The bank of the first protocol, which stands beside the tables; others stand in folders of their own.
    """
    records = read_records(plan, store)
    experiment, folder = plan.experiment, store.root / plan.folder
    measurements = write_tables(records, folder)
    curves = pd.read_csv(folder / LOSS_CURVES, keep_default_na=False, na_values={"loss": [""]})
    covariates = audited_covariates(read_audit(plan, store))
    banks: list[Bank] = []
    for protocol in experiment.grid.protocols:
        bank = build_bank(
            measurements,
            languages=experiment.languages,
            name="-".join([experiment.name, *[plan.folder] * bool(plan.suffix), *[protocol] * bool(banks)]),
            protocol=protocol,
            metric=experiment.scoring.metric,
            include_unhealthy=experiment.grid.include_unhealthy,
            covariates=covariates,
            provenance=_provenance(plan, records),
        )
        bank = with_intervals(bank, folder / SENTENCE_SCORES)
        place = folder / protocol if banks else folder
        write_bank(bank, place)
        draw_heatmap(bank, place)
        draw_plane(bank, place)
        draw_curves(curves, place, experiment.languages, protocol)
        banks.append(bank)
    return banks[0]


def audited_covariates(audit: Audit | None) -> pd.DataFrame | None:
    """Take from an audit what may stand behind D and R, for the bank to show beside them.

    Args:
        audit: Of the run's corpora; None where it was not made.

    Returns:
        foreign_share (characters in other languages, 0 to 1) and fertility (pieces a word); missing where the audit
        could not tell.

    Shape:
        One row for each language.
    """
    if audit is None:
        return None
    found = {
        FOREIGN_SHARE: {one.code: one.value("foreign", "by_char") for one in audit.languages},
        FERTILITY: {one.code: one.fertility for one in audit.languages},
    }
    columns = {name: {code: x if known(x) else None for code, x in of.items()} for name, of in found.items()}
    return by_language(columns, [one.code for one in audit.languages])


def write_audit(plan: Plan, store: Store) -> Audit | None:
    """Write the audit into the run folder, as data, tables, figures and data card.

    Returns:
        The audit; None where it was not made.
    """
    audit = read_audit(plan, store)
    if audit is None or plan.audit is None:
        return None
    folder = store.root / plan.folder
    settings = bank_settings(plan.experiment)["corpus"]
    provenance = {language: read_summary(store.path(output))["source"] for language, output in plan.corpora.items()}
    made = json.loads((store.path(plan.audit) / PROVENANCE).read_text(encoding="utf-8"))
    provenance |= {name: made[name] for name in ("written", "versions")}
    for name, text in (
        (OVERLAP_FILE, (store.path(plan.audit) / OVERLAP_FILE).read_text(encoding="utf-8")),
        (AUDIT_FILE, audit.model_dump_json(indent=1) + "\n"),
        ("audit.csv", pd.DataFrame(csv_rows(audit)).to_csv(index=False, lineterminator="\n")),
        ("DATA_CARD.md", data_card(audit, settings, provenance)),
    ):
        with replace_file(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    draw_audit(audit, folder)
    return audit


def _provenance(plan: Plan, records: list[dict[str, Any]]) -> dict[str, Any]:
    # Of what made the scores, which may have been another machine, or this one before an upgrade.
    versions: dict[str, set[str]] = {}
    for record in records:
        made = json.loads((record["folder"] / PROVENANCE).read_text(encoding="utf-8"))
        for name, version in made["versions"].items():
            versions.setdefault(name, set()).add(version)
    return {
        "settings": bank_settings(plan.experiment),
        "corpora": {language: output.key for language, output in plan.corpora.items()},
        "tokenizer": plan.tokenizer.key,
        "versions": {name: ", ".join(sorted(found)) for name, found in versions.items()},
        "devices": sorted({record["device"] for record in records}),
        "threads": sorted({record["threads"] for record in records}),
        "n_models": len(records),
    }


def load_bank(name: str) -> Bank:
    """Open a bank that comes with the package: measured by this project, with all that its analyses need.

    Args:
        name: Such as "help-books".

    Returns:
        The bank, with its measurements, intervals and replicates.

    Raises:
        UsageError: There is no bank of this name; the message lists those that there are.
    """
    return open_run(shipped_folder(name))


def shipped_folder(name: str) -> Path:
    """Find the folder of a bank that comes with the package; its tables, settings and script stand there too.

    Raises:
        UsageError: There is no bank of this name.
    """
    names = shipped_banks()
    if name not in names:
        raise UsageError(f"No bank called {name!r} comes with bloodbank. There are: {', '.join(names)}.")
    return _SHIPPED / name


def shipped_banks() -> list[str]:
    """List the banks that come with the package."""
    return sorted(path.parent.name for path in _SHIPPED.glob("*/bank.json"))
