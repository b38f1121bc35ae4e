"""From the settings of a source to the source, and from a path of the experiment file to files.

open_source(settings.corpus.source_of("fi"), "fi")
"""

from __future__ import annotations

from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from bloodbank.corpus.sources.source import Source, by_number
from bloodbank.errors import UsageError

if TYPE_CHECKING:
    from bloodbank.experiment.settings import SourceSettings

_DUMPS = (".xml", ".bz2", ".gz")


def open_source(settings: SourceSettings, language: str) -> Source:
    """Open the text of one language; nothing is read yet but names of files.

    Args:
        settings: Where it comes from, with the language's code in its place.
        language: Its code.

    Raises:
        UsageError: There is no such file, or no text is named.
    """
    if settings.source != "hub" and not settings.path:
        raise UsageError(f"{language}: no text is named. Set corpus.path, or path in [corpus.sources.{language}].")
    if settings.source == "text":
        from bloodbank.corpus.sources.text import TextSource

        return TextSource(find_files(settings.path), settings.licence)
    if settings.source == "wikipedia":
        from bloodbank.corpus.wikipedia.index import is_index
        from bloodbank.corpus.wikipedia.source import WikipediaSource

        dumps = [path for path in find_files(settings.path) if not is_index(path.name) and path.suffix in _DUMPS]
        if not dumps:
            raise UsageError(
                f"{settings.path}: no dump there. Give a file such as fiwiki-20261101-pages-articles.xml.bz2, "
                "or the folder that `bloodbank corpus fetch` wrote."
            )
        return WikipediaSource(dumps, language)
    from bloodbank.corpus.sources.tables import HubSource

    if bool(settings.dataset) == bool(settings.path):
        raise UsageError(
            f'{language}: source = "hub" reads either a dataset of Hugging Face (`dataset`) or local Parquet or JSON '
            "Lines files (`path`); give one of the two."
        )
    return HubSource(
        language,
        dataset=settings.dataset,
        config=settings.config,
        split=settings.split,
        column=settings.column,
        key_column=settings.key_column,
        paths=find_files(settings.path) if settings.path else (),
        revision=settings.revision,
        licence=settings.licence,
    )


def find_files(path: str) -> tuple[Path, ...]:
    """Find the files that a path means, parts in the order of their numbers (`part2` before `part10`).

    Args:
        path: A file, a folder (all files in it and below, but for hidden ones), or a pattern with `*`, `?` or `[…]`.

    Raises:
        UsageError: There is none; names what stands beside it.
    """
    here = Path(path)
    try:
        if here.is_file():
            return (here,)
        if here.is_dir():
            inside = (file for file in here.rglob("*") if file.is_file())
            visible = [file for file in inside if not any(part[0] == "." for part in file.relative_to(here).parts)]
            if visible:
                return tuple(sorted(visible, key=_by_number))
            raise UsageError(f"{path}: the folder holds no files. Give a text file, or a folder of text files.")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
    if has_magic(path):
        matching = [file for file in Path(here.anchor).glob(str(here.relative_to(here.anchor))) if file.is_file()]
        if matching:
            return tuple(sorted(matching, key=_by_number))
    raise UsageError(f"{path}: {'no file matches' if has_magic(path) else 'no such file'}. {_beside(here)}")


def _by_number(path: Path) -> list[tuple[int, str]]:
    return by_number(str(path))


def _beside(path: Path) -> str:
    """Say what stands where a file was expected."""
    folder = path.parent
    while has_magic(str(folder)):
        folder = folder.parent
    beside = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    there = f"That folder holds: {', '.join(beside[:8])}{' …' if len(beside) > 8 else ''}." if beside else ""
    missing = there or f"There is no folder {folder} with anything in it."
    return f"{missing} Check corpus.path and the language code."
