"""The results of a run: tables, banks and figures, written from the scores that are there.

The bank of the first budget and protocol stands in the run folder itself; RUN/PROTOCOL/ and RUN/budget-N/ hold others.
RUN/results.json says from what each was made: what rests on the same, and is as it was written, is not made again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bloodbank.corpus import read_summary
from bloodbank.pipeline.folder import RECORD, bank_settings
from bloodbank.store import (
    AUDIT_FILE,
    MEASUREMENTS,
    PROVENANCE,
    SENTENCE_SCORES,
    Busy,
    Output,
    Store,
    digest,
    file_digest,
    hold,
    replace_file,
    write_json,
)
from bloodbank.transfer import (
    LOSS_CURVES,
    Plan,
    measurements_table,
    read_records,
    write_tables,
)

if TYPE_CHECKING:
    import pandas as pd

    from bloodbank.corpus.audit.record import Audit

_PACKAGES = ("numpy", "pandas", "scipy", "matplotlib", "pyarrow")
_WAIT_SECONDS = 0.2  # before another process that writes results is asked again


@dataclass(frozen=True)
class Result:
    """Files that are made together.

    Attributes:
        name: Which, in the record: `bank`, `zero_shot/figures`.
        rests_on: All that may change them but the code, in plain values.
        make: Writes them, each whole or not at all, and returns their paths.
    """

    name: str
    rests_on: list[Any]
    make: Callable[[], Iterable[Path]]


def write_audits(plans: list[Plan], store: Store, console: Console) -> None:
    """Write the audit of every budget into the run folder, where it was made: data, tables, figures and data card."""
    audits = [(plan, plan.audit) for plan in plans if plan.audit is not None and store.has(plan.audit)]
    _make_missing([_audit_result(plan, audit, store) for plan, audit in audits], store, console)


def write_results(plans: list[Plan], store: Store, console: Console) -> None:
    """Build the banks of all budgets and protocols from the scores that are there; write tables, banks and figures."""
    _make_missing([result for plan in plans for result in _Banks(plan, store).results()], store, console)


def _make_missing(results: list[Result], store: Store, console: Console) -> None:
    """Make those that rest on something else than they did, or whose files are not as they were written.

    The record is written after each, and last, so that what a killed process had begun is made again.
    """
    path = store.root / RECORD
    with _alone(store, console):
        record = _read_record(path)
        for result in results:
            key = digest(_code_version(), result.name, result.rests_on)
            before = record.get(result.name, {})
            files = before.get("files", {})
            if before.get("key") == key and all(_stamp(store.root / name) == stamp for name, stamp in files.items()):
                continue
            files = {file.relative_to(store.root).as_posix(): _stamp(file) for file in result.make()}
            record[result.name] = {"key": key, "files": files}
            with replace_file(path) as temporary:
                write_json(temporary, record)


@contextmanager
def _alone(store: Store, console: Console) -> Iterator[None]:
    """Wait until no other process writes the results of this folder."""
    told = False
    with ExitStack() as lock:
        while True:
            try:
                lock.enter_context(hold(store.root / "locks" / "results.lock"))
                break
            except Busy as busy:
                if not told:
                    console.print(f"results are being written by {busy.owner}; waiting", highlight=False)
                told = True
                time.sleep(_WAIT_SECONDS)
        yield


def _read_record(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):  # there is none, or it is damaged: all is made again
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict):
            return record
    return {}


def _stamp(path: Path) -> list[int] | None:
    """Say how a file is, cheaply: size and time of its last change; None where it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


@cache
def _code_version() -> str:
    """Hash this package and the versions of those that numbers and figures come from."""
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    return digest([file_digest(path) for path in sources], [metadata.version(name) for name in _PACKAGES])


def _made(output: Output, store: Store) -> list[str]:
    """Name an output and its making: what is made again has the same key, but other seconds."""
    return [output.name, file_digest(store.path(output) / PROVENANCE)]


class _Banks:
    """Tables, banks and figures of one budget."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store, self.folder = plan, store, store.root / plan.folder

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """What was scored."""
        return read_records(self.plan, self.store)

    def results(self) -> Iterator[Result]:
        """Yield the tables, and bank and figures of each protocol."""
        plan, prefix = self.plan, Path(self.plan.folder)
        made = [_made(output, self.store) for output in plan.scores.values() if self.store.has(output)]
        audited = _made(plan.audit, self.store) if plan.audit and self.store.has(plan.audit) else []
        rests_on = [made, audited, plan.keys(), bank_settings(plan.experiment)]
        yield Result((prefix / "tables").as_posix(), made, self._write_tables)
        for number, protocol in enumerate(plan.protocols):
            place = prefix / protocol if number else prefix
            for name, make in (("bank", self._write_bank), ("figures", self._draw)):
                yield Result((place / name).as_posix(), rests_on, partial(make, protocol, self.store.root / place))

    def _write_tables(self) -> list[Path]:
        write_tables(self.records, self.folder)
        return [self.folder / name for name in (MEASUREMENTS, LOSS_CURVES, SENTENCE_SCORES)]

    def _write_bank(self, protocol: str, place: Path) -> Iterable[Path]:
        from bloodbank.bank import build_bank, write_bank
        from bloodbank.bank.bank import with_intervals
        from bloodbank.transfer.audit import read_audit

        plan, experiment = self.plan, self.plan.experiment
        names = [experiment.name]
        if plan.suffix:
            names.append(plan.folder)
        if protocol != experiment.grid.protocols[0]:
            names.append(protocol)
        bank = build_bank(
            measurements_table(self.records),
            languages=experiment.languages,
            name="-".join(names),
            protocol=protocol,
            metric=experiment.scoring.metric,
            include_unhealthy=experiment.grid.include_unhealthy,
            baseline="alone" if protocol == "zero_shot" else experiment.scoring.baseline,
            covariates=audited_covariates(read_audit(plan, self.store)),
            provenance=_provenance(plan, self.records),
        )
        return write_bank(with_intervals(bank, self.folder / SENTENCE_SCORES), place)

    def _draw(self, protocol: str, place: Path) -> list[Path]:
        import pandas as pd

        from bloodbank.bank import read_bank
        from bloodbank.figures.run_figures import draw_curves, draw_heatmap, draw_plane

        bank = read_bank(place)
        curves = pd.read_csv(self.folder / LOSS_CURVES, keep_default_na=False, na_values={"loss": [""]})
        paths = [*draw_heatmap(bank, place), *draw_plane(bank, place)]
        return [*paths, *(draw_curves(curves, place, self.plan.experiment.languages, protocol) or ())]


def audited_covariates(audit: Audit | None) -> pd.DataFrame | None:
    """Take from an audit what may stand behind D and R, for the bank to show beside them.

    Args:
        audit: Of the run's corpora; None where it was not made.

    Returns:
        foreign_share (characters in other languages, 0 to 1), fertility (pieces a word), and translated_share where
        test text of any language stands translated in another's training text; missing where the audit could not tell.

    Shape:
        One row for each language.
    """
    from bloodbank.bank.covariates import FERTILITY, FOREIGN_SHARE, TRANSLATED_SHARE, by_language
    from bloodbank.corpus.audit.record import known

    if audit is None:
        return None
    values = {
        FOREIGN_SHARE: {language.code: language.value("foreign", "by_char") for language in audit.languages},
        FERTILITY: {language.code: language.fertility for language in audit.languages},
    }
    leaks = {language.code: audit.leaks_of(language.code) for language in audit.languages}
    if any(leaks.values()):  # a column of zeros would say nothing
        values[TRANSLATED_SHARE] = {code: max(of.values(), default=0.0) for code, of in leaks.items()}
    columns = {name: {code: x if known(x) else None for code, x in of.items()} for name, of in values.items()}
    return by_language(columns, [language.code for language in audit.languages])


def _audit_result(plan: Plan, output: Output, store: Store) -> Result:
    settings = bank_settings(plan.experiment)["corpus"]
    rests_on = [settings, _made(output, store), [_made(text, store) for text in plan.corpora.values()]]
    name = (Path(plan.folder) / "audit").as_posix()
    return Result(name, rests_on, partial(_write_audit, plan, output, settings, store))


def _write_audit(plan: Plan, output: Output, settings: dict[str, Any], store: Store) -> list[Path]:
    import pandas as pd

    from bloodbank.corpus.audit.columns import csv_rows
    from bloodbank.corpus.audit.data_card import data_card
    from bloodbank.corpus.audit.figures import draw_audit
    from bloodbank.corpus.audit.record import Audit
    from bloodbank.transfer.tables import OVERLAP_FILE, TRANSLATIONS_FILE

    folder, source = store.root / plan.folder, store.path(output)
    audit = Audit.model_validate_json((source / AUDIT_FILE).read_text(encoding="utf-8"))
    provenance = {language: read_summary(store.path(text))["source"] for language, text in plan.corpora.items()}
    made = json.loads((source / PROVENANCE).read_text(encoding="utf-8"))
    provenance |= {name: made[name] for name in ("written", "versions")}
    texts = {
        **{name: (source / name).read_text(encoding="utf-8") for name in (OVERLAP_FILE, TRANSLATIONS_FILE)},
        AUDIT_FILE: audit.model_dump_json(indent=1) + "\n",
        "audit.csv": pd.DataFrame(csv_rows(audit)).to_csv(index=False, lineterminator="\n"),
        "DATA_CARD.md": data_card(audit, settings, provenance),
    }
    for name, text in texts.items():
        with replace_file(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [*(folder / name for name in texts), *draw_audit(audit, folder)]


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
        "versions": {name: ", ".join(sorted(several)) for name, several in versions.items()},
        "devices": sorted({record["device"] for record in records}),
        "threads": sorted({record["threads"] for record in records}),
        "n_models": sum(record["protocol"] != "zero_shot" for record in records),  # whose scores train nothing
    }
