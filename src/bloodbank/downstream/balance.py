"""Training data of the same size in every language (section 6): nothing is cut in the middle of a sentence.

Pure functions; nothing is read or written.

    balanced, table = balance([task.read(folder, code, "train") for code in codes], BalanceSettings(), task.n_train)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bloodbank.downstream.data import Split
from bloodbank.downstream_settings import BalanceSettings
from bloodbank.errors import UsageError
from bloodbank.randomness import generator


def balance(splits: Sequence[Split], settings: BalanceSettings, n_train: int) -> tuple[tuple[Split, ...], pd.DataFrame]:
    """Truncate the training data of several languages.

    The first sentences are taken by default because that is what the paper's "truncated" says, and so that anyone can
    have the same with `head`. Treebanks are in the order of their documents, and of several that are joined the first
    comes first: where that matters, `choice = "sample"` takes sentences from all over.

    Args:
        splits: Training data, one language each.
        settings: How many, and which.
        n_train: Sentences where the settings do not say.

    Returns:
        The splits, with notes on what was taken, and a table with a row for each language: `language`, `n_available`
        and `n_sentences` (all there are, those that are used), `n_words`, and `n_missing` (sentences short of what was
        asked for).

    Raises:
        UsageError: A language is there twice, or there is none.
    """
    _check(splits)
    wanted = settings.n_sentences or n_train
    most = min(wanted, *(len(split.sentences) for split in splits)) if settings.too_few == "cut_all" else wanted
    cut = tuple(_cut(split, most, settings.choice) for split in splits)
    rows = [
        (
            after.language,
            len(before.sentences),
            len(after.sentences),
            after.n_words,
            max(0, wanted - len(after.sentences)),
        )
        for before, after in zip(splits, cut, strict=True)
    ]
    return cut, pd.DataFrame(rows, columns=["language", "n_available", "n_sentences", "n_words", "n_missing"])


def _cut(split: Split, n: int, choice: str) -> Split:
    there = len(split.sentences)
    if there < n:
        return replace(split, notes=(*split.notes, f"{there:,} training sentences, fewer than the {n:,} asked for"))
    if there == n:
        return split
    if choice == "first":
        rows = np.arange(n)
    else:
        rows = np.sort(generator("training sentences", split.task, split.language).permutation(there)[:n])
    note = f"{'the first ' if choice == 'first' else 'a sample of '}{n:,} of {there:,} training sentences"
    return replace(split, sentences=tuple(split.sentences[row] for row in rows), notes=(*split.notes, note))


def _check(splits: Sequence[Split]) -> None:
    names = [split.language for split in splits]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"Training data of {', '.join(twice)} is there twice. Give one split for each language.")
    if not splits:
        raise UsageError("There is no training data to balance. Give a split for each language.")
