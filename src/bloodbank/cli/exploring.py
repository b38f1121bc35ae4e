"""`bloodbank explore`: the page that shows a bank to anyone."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from bloodbank.cli.app import Baseline, Source, app

if TYPE_CHECKING:
    from bloodbank.bank import Bank
    from bloodbank.explorer import CorpusFacts


@app.command
def explore(
    source: Source,
    *,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    compare: Path | None = None,
    typology: Path | None = None,
    baseline: Baseline | None = None,
    title: str | None = None,
    open_: Annotated[bool, Parameter(name="--open")] = True,
) -> None:
    """Write a page that shows a bank to anyone: one HTML file, which needs no server and no network.

    Of a run, all protocols, metrics and budgets are on it, zero-shot scores and F against `longer` where measured.

    Parameters
    ----------
    out
        The file; by default `explorer.html` in the run folder, else `NAME-explorer.html` here.
    compare
        Another bank, given like the first one; differences are its F minus that of the first.
    typology
        CLDF folder such as WALS or Grambank, for typological features; without one those of URIEL, where the package
        urielplus is installed.
    title
        Of the page; the name of the bank by default.
    open_
        Show the page in a browser, if this is a terminal.
    """
    from bloodbank.explorer import explore as write_page
    from bloodbank.pipeline.open_bank import find_source, open_bank
    from bloodbank.wording import size

    banks, facts = _open_all(source, baseline)
    place = find_source(source)
    path = write_page(
        banks,
        _default_path(place, banks[0].name) if out is None else out,
        compare_with=None if compare is None else open_bank(compare),
        features=typology,
        facts=facts,
        title=title,
    )
    print(f"{path} ({size(path.stat().st_size)})")
    if open_ and at_terminal():
        _show(path)


def _open_all(source: Source, baseline: str | None) -> tuple[list[Bank], dict[str, CorpusFacts]]:
    """Open all banks of a run, or the one of a file, with all that stands beside them; facts are by bank.

    That is all metrics, and after them, under a name of its own, the bank against the other baseline.
    """
    from bloodbank.analysis.second_baseline import second_baseline
    from bloodbank.bank.bank import with_intervals
    from bloodbank.bank.files import BANK_FILE
    from bloodbank.explorer import by_all_metrics, facts_of_audit
    from bloodbank.pipeline.open_bank import find_source, open_all, open_bank

    place = find_source(source)
    if not (place.is_dir() or (place.name == BANK_FILE and place.is_file())):
        return [open_bank(source, baseline=baseline)], {}
    opened = open_all(place, baseline) if place.is_dir() else open_all(place.parent, baseline)[:1]
    banks = [bank for one in opened for bank in by_all_metrics(one.bank, one.sentence_scores)]
    facts = {one.bank.name: facts_of_audit(one.audit) for one in opened if one.audit is not None}
    for one in opened:
        both = second_baseline(one.bank)
        if both is not None:
            name = f"{one.bank.name}, against {both.second.baseline}"
            other = with_intervals(replace(both.second, name=name), one.sentence_scores)
            banks += by_all_metrics(other, one.sentence_scores)
            facts |= {name: facts[one.bank.name]} if one.bank.name in facts else {}
    return banks, facts


def _default_path(place: Path, name: str) -> Path:
    from bloodbank.pipeline.layout import is_run_folder
    from bloodbank.store import file_name

    return place / "explorer.html" if is_run_folder(place) else Path(f"{file_name(name)}-explorer.html")


def at_terminal() -> bool:
    """Tell whether somebody looks at what is printed."""
    return sys.stdout.isatty()


def _show(path: Path) -> None:
    import webbrowser

    with suppress(webbrowser.Error, OSError):  # no browser is no reason to fail: the file is there
        webbrowser.open(path.resolve().as_uri())
