"""`bloodbank corpus`: sources fetched, text balanced, text audited."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cyclopts import App

from bloodbank.cli.app import app

if TYPE_CHECKING:
    from rich.progress import TaskID

    from bloodbank.corpus.wikipedia.download import Transfer

corpus = App(name="corpus", help="Text: fetch dumps, balance, audit.")
app.command(corpus)


@corpus.command
def fetch(
    languages: str,
    *,
    date: str = "latest",
    folder: Path = Path("dumps"),
    base: str = "https://dumps.wikimedia.org",
    parts: int | None = None,
    contact: str = "",
    dry_run: bool = False,
) -> None:
    """Download Wikipedia's dumps of some languages; the same command goes on where a transfer was cut off.

    Every file is checked against Wikimedia's checksum; one that is there and right is not fetched again.

    Parameters
    ----------
    languages
        Codes, separated by commas: `fi,hu,tr`.
    date
        Of the dumps, as 20261101; `latest` is the newest that is finished for all of them.
    folder
        The dumps come to lie in FOLDER/DATE/LANGUAGE/.
    base
        Address of Wikimedia or of a mirror, also for old dates.
    parts
        Of Wikipedias that come in several parts fetch only so many, evenly spread; all by default.
    contact
        An address at which Wikimedia can reach you, sent with every request; it refuses those that name none.
    dry_run
        Show the files and their sizes, and fetch nothing.
    """
    from bloodbank.corpus.wikipedia.fetch import fetch_plan, plan_fetch
    from bloodbank.corpus.wikipedia.web import PATIENT
    from bloodbank.wording import size

    connection = dataclasses.replace(PATIENT, contact=contact)
    codes = [code.strip() for code in languages.split(",") if code.strip()]
    plan = plan_fetch(codes, date, base=base, n_parts=parts, connection=connection)
    for file in plan.files:
        known = size(file.remote.size_bytes) if file.remote.size_bytes is not None else "size unknown"
        print(f"{file.language:>7}  {known:>10}  {plan.path(file, folder)}")
    print(f"{size(plan.size_bytes)} in {len(plan.files)} files; {size(plan.missing_bytes(folder))} to fetch")
    if dry_run:
        return
    with _Transfers() as transfers:
        fetch_plan(plan, folder, connection=connection, on_transfer=transfers)
    print(f'\nIn the experiment file: source = "wikipedia", path = "{folder / plan.date}/{{language}}"')


class _Transfers:
    """Shows how far a file is, on stderr: a bar at a terminal, otherwise a line for each file and each mishap."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._tasks: dict[Path, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, state: Transfer) -> None:
        """Show a state."""
        if state.path not in self._tasks:
            self._tasks[state.path] = self._progress.add_task(state.path.name, total=state.size_bytes)
        self._progress.update(self._tasks[state.path], completed=state.n_bytes, total=state.size_bytes)
        if state.note:
            self._progress.console.print(f"{state.path.name}: {state.note}", markup=False, highlight=False)


@corpus.command
def build(experiment: Path, *, out: Path | None = None, update: bool = False) -> None:
    """Make the balanced text of every language of an experiment, and nothing else.

    Parameters
    ----------
    experiment
        Experiment file (TOML); only `languages`, `[corpus]` and `tokenizer.extra_languages` matter.
    out
        Run folder; `runs/NAME` beside the experiment file by default. A later `bloodbank run` goes on from there.
    update
        Go on in a folder that was made with other settings, redoing only what depends on the change.
    """
    from bloodbank.pipeline import run as pipeline

    for line in pipeline.build_texts(experiment, out, update=update):
        print(line)


@corpus.command
def audit(experiment: Path, *, out: Path | None = None, full: bool = False, update: bool = False) -> None:
    """Find out what the text of every language is like: size, balance, foreign text, overlaps, pieces.

    Text, tokenizer and token ids are made where they are missing. Writes `audit.json`, figures and `DATA_CARD.md`.

    Parameters
    ----------
    experiment
        Experiment file (TOML).
    out
        Run folder; `runs/NAME` beside the experiment file by default.
    full
        Compare with the whole source, however large; otherwise a large one is compared by another sample of it.
    update
        Go on in a folder that was made with other settings, redoing only what depends on the change.
    """
    from rich.console import Console

    from bloodbank.corpus.audit.terminal import render_audit
    from bloodbank.pipeline import run as pipeline
    from bloodbank.pipeline.folder import RESULTS

    audited = pipeline.audit(experiment, out, full=full, update=update)
    _, folder = pipeline.resolve(experiment, out)
    Console().print(render_audit(audited))
    print("\nWritten:")
    for name in RESULTS:
        if name.startswith(("audit", "DATA")) and (folder / name).exists():
            print(f"  {folder / name}")
