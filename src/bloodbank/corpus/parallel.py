"""Parallel texts: the same messages, or the same stretch, are held out in every language.

They are read whole, and wait on disk: what is dropped depends on texts anywhere in the source. What is held out depends
on the seed only, never on the language or on which others there are.
"""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np

from bloodbank.corpus.source import Source
from bloodbank.corpus.spill import Spill
from bloodbank.corpus.splitting import Parts, Prepare, Split
from bloodbank.errors import UsageError
from bloodbank.randomness import derive, generator
from bloodbank.settings import CorpusSettings

Places = np.ndarray[Any, np.dtype[np.float64]]


def split_parallel(source: Source, settings: CorpusSettings, parts: Parts, prepare: Prepare, folder: Path) -> Split:
    """Fill the parts with the paragraphs at the same places in every language.

    A text that stands both in what is held out and elsewhere in the source is dropped from both: it translates
    held-out messages as well as training ones of other languages. So no language trains on a translation of
    another's test text, whichever languages the experiment names.

    Args:
        source: The text.
        settings: Kind of parallelism, shares, seed.
        parts: What is filled.
        prepare: Turns a document into lines; empty ones hold places.
        folder: Where the text of the source waits until the parts are filled.

    Raises:
        UsageError: The source is empty, or its records lack keys where they are parallel by key.
    """
    with Spill(folder) as lines:
        places = _read(source, settings, prepare, lines)
        _fill(lines, places, settings, parts)
        return Split(parts.lines(), parts.n_repeated, int(lines.lengths.sum()), 1.0)


def _fill(lines: Spill, places: Places, settings: CorpusSettings, parts: Parts) -> None:
    start = generator(settings.seed, "corpus", "parallel").random()
    guard = settings.guard_share if settings.parallel == "stretch" else 0.0
    test_share = settings.heldout_share * settings.test_chars / (settings.test_chars + settings.dev_chars)
    # Places from the start on, in a source that goes on at its beginning.
    distance = (places - start) % 1.0
    in_test = distance < test_share
    in_dev = ~in_test & (distance < settings.heldout_share)
    in_train = (distance >= settings.heldout_share + guard) & (distance < 1.0 - guard)
    inside, outside = lines.texts(in_test | in_dev), lines.texts(~in_test & ~in_dev)
    order = np.argsort(distance, kind="stable")
    order = order[lines.lengths[order] > 0]
    for names, mask, others in (
        (("test",), in_test, outside),
        (("dev",), in_dev, outside),
        (("train", "other"), in_train, inside),
    ):
        for i in order[mask[order]].tolist():
            if not (name := parts.first_open(names)):
                break
            parts.put(name, lines[i], others)


def _read(source: Source, settings: CorpusSettings, prepare: Prepare, lines: Spill) -> Places:
    """Read a whole source; return where each of its lines stands, from 0 to 1."""
    places = array("d")
    for document in source.read():
        found = prepare(document)
        for line in found:
            lines.append(line)
        if settings.parallel == "keys":
            if document.key is None:
                raise UsageError(
                    'corpus.parallel = "keys" needs a key for every record: set key_column to the column that names '
                    "the same record in every language."
                )
            # The same share for the same key, whatever stands around it.
            places.extend([derive(settings.seed, "corpus key", document.key) / 2**63] * len(found))
    if settings.parallel == "keys":
        return np.array(places, dtype=np.float64)
    if settings.parallel == "lines":  # line i of n stands at i / n: the same for the same message in every language
        return np.arange(len(lines)) / max(1, len(lines))
    lengths = lines.lengths.astype(np.float64)
    # A paragraph of a book stands where its middle is, as a share of the characters.
    middles: Places = (np.cumsum(lengths) - lengths / 2) / max(1.0, lengths.sum())
    return middles
