"""What a tagger scores that has learnt nothing: a floor, so that nobody mistakes it for transfer.

Pure functions; nothing is read or written.

    task.scores(test.labels, majority_labels(train, test))
"""

from __future__ import annotations

from collections import Counter
from itertools import chain, repeat

import numpy as np

from bloodbank.downstream.data import Split
from bloodbank.randomness import generator


def majority_labels(train: Split, test: Split) -> list[tuple[str, ...]]:
    """Give every word the label that is most frequent in the training data; of equal ones the first in the alphabet.

    For named entities that is O, and no entity is found.

    Returns:
        Labels of each test sentence.
    """
    counts = _counts(train)
    label = min(counts, key=lambda one: (-counts[one], one))
    return [tuple(repeat(label, len(sentence.words))) for sentence in test.sentences]


def chance_labels(train: Split, test: Split, seed: int) -> list[tuple[str, ...]]:
    """Give every word a label at random, as often as the training data has it, whatever the word.

    Returns:
        Labels of each test sentence; the same for the same seed.
    """
    counts = _counts(train)
    labels = sorted(counts)
    shares = np.array([counts[label] for label in labels]) / counts.total()
    random = generator(seed, "chance labels", test.task, test.language)
    return [
        tuple(labels[place] for place in random.choice(len(labels), size=len(sentence.words), p=shares).tolist())
        for sentence in test.sentences
    ]


def _counts(train: Split) -> Counter[str]:
    return Counter(chain.from_iterable(train.labels))
