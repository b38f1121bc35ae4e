"""Which zero-shot scores can be compared: those between languages of one script. Decided here, and said here.

A model that never saw the pieces of a script scores their untrained embeddings, so that across scripts a zero-shot
score is the floor, whatever the languages; foreign words in a text may lift it, which is no likeness either.

    between_scripts(("de", "fi", "ru"))  # true where one of the two is ru
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bloodbank.languages import find_language

OTHER_SCRIPT = "other script"  #: why a zero-shot cell is missing
NOT_COMPARABLE = f"not comparable: {OTHER_SCRIPT}"
WHY_NOT = "a model that never saw the pieces of a script scores their untrained embeddings"
#: What zero-shot scores say, and what not; for whatever shows them.
WHAT_THEY_SAY = (
    "Zero-shot scores (the donor's own model, scored on the recipient untouched) tell of likeness in language and "
    "vocabulary, not of help in training"
)


def between_scripts(languages: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which pairs are written in two different scripts, by the table of languages.

    A language whose script is not known, such as one with a private-use code, is taken to be comparable with all.

    Args:
        languages: Codes.

    Shape:
        `[donor, recipient]`, in the order of the codes.
    """
    scripts = np.array([getattr(find_language(code), "script", None) or "" for code in languages])
    known, differ = scripts != "", scripts[:, None] != scripts[None, :]
    apart: NDArray[np.bool_] = differ & known[:, None] & known[None, :]
    return apart
