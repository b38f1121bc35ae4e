"""What the sources of an experiment hold, as hashes: where they lie is in no key.

Reads every source, or its size and time of change where its hash is remembered; writes the file of remembered hashes.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from bloodbank.corpus import Source, open_source
from bloodbank.errors import UsageError
from bloodbank.experiment import Experiment
from bloodbank.settings import SourceSettings
from bloodbank.store import replace_file


def source_digests(experiment: Experiment, cache: Path | None) -> tuple[dict[str, str], Experiment]:
    """Hash the source of every language; all that are missing are named at once.

    Args:
        experiment: Settings.
        cache: File that remembers the hashes of sources that have not changed since; None: hash them all.

    Returns:
        The hashes, and the settings with the commit of every data set of the hub, so that what another process reads
        later is what was hashed.

    Raises:
        UsageError: Sources are missing or cannot be read.
    """
    known: dict[str, str] = {}
    if cache is not None:
        with suppress(OSError, ValueError):  # only a memory of hashes: a damaged one is made anew
            known = json.loads(cache.read_text(encoding="utf-8"))
    found, wrong, remembered = {}, [], {}
    pinned = dict(experiment.corpus.sources)
    extra = () if experiment.tokenizer.path else experiment.tokenizer.extra_languages
    for language in (*experiment.languages, *extra):
        settings = experiment.corpus.source_of(language)
        try:
            source = open_source(settings, language)
            mark = _mark(source, settings)
            found[language] = known.get(mark) or source.digest()
            remembered[mark] = found[language]
            if settings.dataset:
                commit = str(source.describe().get("revision") or settings.revision)
                pinned[language] = settings.model_copy(update={"revision": commit})
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(dict.fromkeys(wrong)))
    remembered.pop("", None)
    if cache is not None and not remembered.items() <= known.items():
        with replace_file(cache) as temporary:
            temporary.write_text(json.dumps(known | remembered), encoding="utf-8")
    corpus = experiment.corpus.model_copy(update={"sources": pinned})
    return found, experiment.model_copy(update={"corpus": corpus})


def _mark(source: Source, settings: SourceSettings) -> str:
    """Name the files of a source as they are now; empty where there are none, since only the hub knows."""
    files = source.files()
    try:
        stats = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    except OSError as error:
        raise UsageError(f"{files[0]}: cannot be read: {error.strerror}.") from None
    text = "\n".join([settings.model_dump_json(exclude={"licence"}), *stats])
    return hashlib.sha256(text.encode()).hexdigest() if files else ""
