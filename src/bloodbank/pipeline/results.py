"""The results of a run: tables, banks and figures, written from the scores that are there, and opened again.

The bank of the first budget and protocol stands in the run folder itself; RUN/PROTOCOL/ and RUN/budget-N/ hold others.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from bloodbank.bank import Bank, build_bank, write_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.scores import FERTILITY, FOREIGN_SHARE, by_language
from bloodbank.corpus import read_summary
from bloodbank.corpus.audit.columns import csv_rows
from bloodbank.corpus.audit.data_card import data_card
from bloodbank.corpus.audit.figures import draw_audit
from bloodbank.corpus.audit.record import Audit, known
from bloodbank.figures.run_figures import draw_curves, draw_heatmap, draw_plane
from bloodbank.pipeline.folder import bank_settings
from bloodbank.store import PROVENANCE, Store, replace_file
from bloodbank.transfer import (
    LOSS_CURVES,
    SENTENCE_SCORES,
    Plan,
    read_records,
    write_tables,
)
from bloodbank.transfer.audit import AUDIT_FILE, OVERLAP_FILE, read_audit


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
