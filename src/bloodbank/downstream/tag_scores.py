"""Scores of tags, word by word: accuracy and macro F1, and counts that add up over sentences.

Pure functions of labels; nothing is read or written.

    tag_accuracy(tag_counts(gold, predicted).sum(axis=0))
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np

from bloodbank.downstream.entities import Counts, Labels
from bloodbank.errors import UsageError


def check_same_words(gold: Labels, predicted: Labels) -> None:
    """Refuse predictions that are not one label a word.

    Raises:
        UsageError: Says in which sentence the numbers differ.
    """
    if len(gold) != len(predicted):
        raise UsageError(
            f"Labels of {len(predicted):,} sentences were predicted, but there are {len(gold):,}. Give one sequence of "
            "labels for each sentence."
        )
    for number, (one, other) in enumerate(zip(gold, predicted, strict=True)):
        if len(one) != len(other):
            raise UsageError(
                f"Sentence {number}, counted from 0, has {len(one):,} words, but {len(other):,} labels were predicted. "
                "Give one label for each word."
            )


def tag_counts(gold: Labels, predicted: Labels) -> Counts:
    """Count right tags and words; they add up over sentences.

    Args:
        gold: Tags of each sentence.
        predicted: As many.

    Returns:
        Words whose tag is right, and words. Shape: [sentence, 2].
    """
    right = [sum(map(str.__eq__, one, other)) for one, other in zip(gold, predicted, strict=True)]
    return np.stack([np.array(right, dtype=np.int64), np.array([len(one) for one in gold], dtype=np.int64)], axis=1)


def tag_accuracy(counts: Counts) -> float:
    """Return the share of words whose tag is right, 0 to 1, higher is better; 0 without words.

    Args:
        counts: Summed counts of `tag_counts`. Shape: [2].
    """
    return float(counts[0]) / max(int(counts[1]), 1)


def macro_f1(gold: Labels, predicted: Labels) -> float:
    """Return the mean of the F1 of each tag that occurs in the gold tags, 0 to 1, higher is better.

    A tag that occurs in the gold tags and is never predicted counts as 0. A tag that is only predicted has no F1 of its
    own (treebanks of one language lack some tags, and their number would decide): where it was predicted it is a miss
    of the tag that should stand there. So scikit-learn counts with `average="macro"` and `labels=` those of the gold.

    Args:
        gold: Tags of each sentence.
        predicted: As many.
    """
    pairs = Counter(zip(chain.from_iterable(gold), chain.from_iterable(predicted), strict=True))
    wanted: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for (one, other), n in pairs.items():
        wanted[one] += n
        given[other] += n
    each = [2 * pairs[tag, tag] / (wanted[tag] + given[tag]) for tag in sorted(wanted)]
    return sum(each) / max(len(each), 1)
