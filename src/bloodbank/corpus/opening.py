"""From the settings of a source to the source."""

from __future__ import annotations

from bloodbank.corpus.paths import find_files
from bloodbank.corpus.source import Source
from bloodbank.errors import UsageError
from bloodbank.settings import SourceSettings

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
        from bloodbank.corpus.text import TextSource

        return TextSource(find_files(settings.path), settings.licence)
    if settings.source == "wikipedia":
        from bloodbank.corpus.multistream import is_index
        from bloodbank.corpus.wikipedia import WikipediaSource

        dumps = [path for path in find_files(settings.path) if not is_index(path.name) and path.suffix in _DUMPS]
        if not dumps:
            raise UsageError(
                f"{settings.path}: no dump there. Give a file such as fiwiki-20261101-pages-articles.xml.bz2, "
                "or the folder that `bloodbank corpus fetch` wrote."
            )
        return WikipediaSource(dumps, language)
    from bloodbank.corpus.hub import HubSource

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
