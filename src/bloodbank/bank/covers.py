"""What measurement intervals cover and what they do not, in sentences that follow from the data.

Nothing is read or written.

    what_is_covered(n_seeds, with_paragraphs=True, training_text_varies=False)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def what_is_covered(n_seeds: NDArray[np.int64], *, with_paragraphs: bool, training_text_varies: bool) -> str:
    """Say what intervals cover.

    Args:
        n_seeds: Seeds of each measured cell; 0 where it was not measured. Shape: [donor, recipient].
        with_paragraphs: Whether there were sentence scores to resample.
        training_text_varies: Whether each seed had its own training text.

    Returns:
        Two sentences or three.
    """
    measured = n_seeds[n_seeds > 0]
    if not measured.size:
        return "These intervals cover nothing: no cell is measured."
    low, high = int(measured.min()), int(measured.max())
    said = [_seeds_and_paragraphs(low, high, with_paragraphs=with_paragraphs)]
    if low == 1 < high:
        said.append("Cells with one seed are taken to vary as the others do.")
    if high > 1 and training_text_varies:
        said.append("Each seed had its own training text, so that its choice is covered too.")
    elif high > 1:
        said.append("The choice of training text is not covered: it was the same in every seed.")
    else:
        said.append("The choice of training text is not covered either.")
    return " ".join(said)


def _seeds_and_paragraphs(low: int, high: int, *, with_paragraphs: bool) -> str:
    seeds = f"{low}" if low == high else f"{low} to {high}"
    if high > 1 and with_paragraphs:
        return f"These intervals cover the choice of seeds ({seeds} a cell) and of test paragraphs."
    if high > 1:
        return (
            f"These intervals cover the choice of seeds ({seeds} a cell) only: there are no sentence scores of several "
            "paragraphs, so how far other test paragraphs would move the numbers is not known."
        )
    if with_paragraphs:
        return (
            "These intervals cover the choice of test paragraphs only: no cell has more than one seed, so how far "
            "another seed would move the numbers cannot be known."
        )
    return (
        "There are no intervals: no cell has more than one seed, and there are no sentence scores, so how far another "
        "seed or other test paragraphs would move the numbers cannot be known."
    )
