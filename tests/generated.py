"""Generated languages for tests: their syntax cannot be solved by counting single words.

A sentence is a chain of word pairs: after an opening word comes the one closing word that belongs to it. So a
masked word is known from its neighbour, and the frequency of words alone says nothing.
"""

import numpy as np

from bloodbank.randomness import generator

N_PAIRS = 8
LATIN = "abcdefghijklmnopqrstuvwxyz"
GREEK = "αβγδεζηθικλμνξοπρστυφχψωάέ"


def sentences(n: int, *, seed: int, letters: str = LATIN, shuffled: bool = False) -> list[str]:
    """Write sentences.

    Args:
        n: How many.
        seed: Other seeds, other text of the same language.
        letters: Symbols of the words: word i is one symbol.
        shuffled: The same words in random order, so without syntax.
    """
    random = generator("generated", seed)
    lines = []
    for _ in range(n):
        opening = random.integers(0, N_PAIRS, size=4)
        words = np.stack([opening, opening + N_PAIRS], axis=1).ravel()
        if shuffled:
            words = random.integers(0, 2 * N_PAIRS, size=len(words))
        lines.append(" ".join(letters[word] for word in words))
    return lines
