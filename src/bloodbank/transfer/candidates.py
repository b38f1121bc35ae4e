"""Which pieces models choose from: those of the vocabulary, or those that the texts of their last phase have.

All models of a column are trained on the recipient's candidates and ranked over them (`joint` models are trained on
those of their languages together), so that F compares like with like.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.corpus import PARTS
from bloodbank.experiment.load import Experiment
from bloodbank.randomness import generator
from bloodbank.store import Store
from bloodbank.tokenizer import Vocabulary

if TYPE_CHECKING:
    from bloodbank.mlm.candidates import Candidates
    from bloodbank.mlm.sequences import Ints

_BLOCK = 1 << 20  # pieces at a time


def candidates_of(
    store: Store, experiment: Experiment, vocabulary: Vocabulary, texts: Sequence[dict[str, Any]]
) -> Candidates:
    """Return what models that read some texts choose from.

    Args:
        store: The run folder.
        experiment: Settings.
        vocabulary: All pieces.
        texts: Each as `transfer.models.Text`, in plain values, with the names of its token ids (`tokens`, `dev`).
    """
    from bloodbank.mlm.candidates import Candidates

    if experiment.training.candidates == "vocabulary":
        return Candidates(np.arange(vocabulary.size), vocabulary.size)
    counts = np.zeros(vocabulary.size, dtype=np.int64)
    for text in texts:
        # Dev and test text too: a model must be able to say what it is asked for.
        for name, parts in ((text["dev"], PARTS), (text["tokens"], (text["part"],))):
            for part in parts:
                counts += count_pieces(store.root / "tokens" / name, part, vocabulary)
        if text["respelled"]:
            counts += counts[respelling_of(store.root / "tokens" / text["tokens"], text["language"], vocabulary)]
    return Candidates.of_counts(counts, vocabulary)


def respelling_of(tokens: Path, language: str, vocabulary: Vocabulary) -> Ints:
    """Return the piece as which the control `clone` writes each piece of a language's training text. Shape: [V]."""
    from bloodbank.mlm.sequences import respelling

    return respelling(count_pieces(tokens, "train", vocabulary), vocabulary, generator("respelling", language))


@lru_cache(maxsize=256)  # a text is in many mixtures
def count_pieces(tokens: Path, part: str, vocabulary: Vocabulary) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Count how often each piece stands in a part of a text; not to be changed. Shape: [V]."""
    from bloodbank.mlm.sequences import read_ids

    ids, counts = read_ids(tokens / part)[0], np.zeros(vocabulary.size, dtype=np.int64)
    for start in range(0, len(ids), _BLOCK):
        counts += np.bincount(ids[start : start + _BLOCK], minlength=vocabulary.size)
    return counts
