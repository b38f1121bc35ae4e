# ruff: noqa: RUF001 -- marks of many scripts are what this module is about, look-alikes too
"""Which words of a paragraph can show its language: the rest is numbers, acronyms, names of functions, addresses, code.

A word stands between white space; in scripts that are written without
spaces, up to four letters are one. What is no word counts with the word before it, so the words of a passage add up to
it. A passage that is mostly code has no words: code in English is no English text, but its keywords look like it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bloodbank.corpus.scripts import KindTable, script_of
from bloodbank.languages import NO_SPACES

Array = np.ndarray[Any, Any]

_LONGEST_PASSAGE = 100  # words; longer paragraphs are cut, so that one endless line costs what many short ones cost
_LONGEST_TOKEN = 60  # letters; words of Finnish and German are shorter, hashes and addresses are not
_LONGEST_KEPT = 32
_MOST_KEPT = 200_000

# A word is among code where code is more than a quarter of the nine words around it, and more than one of them. Prose
# about functions stays below. A passage of which three tenths are among code is code.
_AROUND, _LEAST_CODE, _CODE_AROUND, _CODE_OF_PASSAGE = 4, 1.5, 0.25, 0.3

# Kinds of characters: L capital, l other letter or mark, u letter of a script without spaces, n number, ' inside words,
# p punctuation, x what code is full of; ( . : and / stand for themselves.
_FIXED = dict.fromkeys("'’ʼ-\u2010\u2011·״׳\u200c\u200d\u00ad", "'") | dict.fromkeys("_=<>{}[]\\|#$^*~@&+%`", "x")
_FIXED |= {mark: mark for mark in "(.:/"}
_QUOTES = frozenset("\"'`´“”„‟‘’‚‛«»‹›「」『』《》〈〉")
_WORD = re.compile(r"[Ll]+(?:'+[Ll]+)*|u{1,4}")
_UNSPACED = re.compile(r"u{1,4}")
_CODE = re.compile(r"[Llu]x|x[Ll]|^x+$|[Ll]\(|^['p(]*l+L|[Ll]{2}[.:][Ll]{2}|/.*/|//")
_NAME = re.compile(r"lL|[Ll]n|n[Ll]")  # LibreOffice, MP3, H2O; also many names of variables
_SHORT = re.compile(r"[Ll]\.[Ll]|x")  # e.g., 5%
_IS_WORD, _IS_NAME, _IS_CODE, _IS_OTHER = range(4)


class _Piece(NamedTuple):
    """A word (`text` as bytes, with the space before it), or what stands between words (no text)."""

    kind: int
    text: bytes
    n_chars: int
    script: str
    is_weak: bool


@dataclass(frozen=True)
class Passages:
    """The words of some text, one after the other.

    Attributes:
        words: UTF-8 bytes of each word, in small letters where it begins with a capital, with a space before it where
            there is one.
        n_chars: Characters of the text up to the next word. Shape: [n_words].
        is_weak: Begins with a capital, or stands in quotes: it may be a name or be mentioned only. Shape: [n_words].
        scripts: ISO 15924 codes of the words' scripts.
        script: Place in `scripts`. Shape: [n_words].
        ends: End of each passage, in words; none is empty. Shape: [n_passages].
        source: Number of the text that a passage is part of. Shape: [n_passages].
    """

    words: list[bytes]
    n_chars: Array
    is_weak: Array
    scripts: tuple[str, ...]
    script: Array
    ends: Array
    source: Array

    def text(self, start: int, end: int) -> str:
        """Return some words as text."""
        return b"".join(self.words[start:end]).decode().strip()

    def texts(self) -> list[bytes]:
        """Return each passage, with a space at its end."""
        starts = np.concatenate([[0], self.ends[:-1]]).tolist()
        if not self.words:
            return []
        return [b"".join(self.words[a:b]) + b" " for a, b in zip(starts, self.ends.tolist(), strict=True)]


def read_passages(texts: Iterable[str]) -> Passages:
    """Find the words of some texts that can show a language."""
    pieces: list[_Piece] = []
    ends: list[int] = []
    sources: list[int] = []
    for number, text in enumerate(texts):
        begin = len(pieces)
        for token in (text.lower() if _shouts(text) else text).split():
            pieces.extend(_PIECES[token])
        stops = [*range(begin + _LONGEST_PASSAGE, len(pieces), _LONGEST_PASSAGE), len(pieces)]
        ends.extend(stops)
        sources.extend([number] * len(stops))
    columns = zip(*pieces, strict=True) if pieces else ((),) * len(_Piece._fields)
    kinds, words, n_chars, scripts, is_weak = columns
    return _only_words(
        np.array(kinds, np.int8),
        words,
        np.array(n_chars, np.int64),
        scripts=scripts,
        is_weak=np.array(is_weak, np.bool_),
        ends=np.array(ends, np.int64),
        sources=np.array(sources, np.int64),
    )


def _only_words(
    kind: Array,
    words: tuple[bytes, ...],
    n_chars: Array,
    *,
    scripts: tuple[str, ...],
    is_weak: Array,
    ends: Array,
    sources: Array,
) -> Passages:
    """Leave out what is no word, or among code; its characters count with the words around it."""
    is_word = (kind == _IS_WORD) & ~_code(kind, ends)
    at = np.flatnonzero(is_word)
    before = np.concatenate([[0], np.cumsum(is_word)])
    word_ends = before[ends]
    has_words = np.diff(word_ends, prepend=0) > 0
    starts = np.concatenate([[0], ends[:-1]])[has_words]
    # Characters before the first word of a passage count with that word.
    begins = at.copy()
    begins[before[starts]] = starts
    stops = np.append(begins[1:], 0)
    stops[word_ends[has_words] - 1] = ends[has_words]
    total = np.concatenate([[0], np.cumsum(n_chars)])
    chosen = at.tolist()
    names = sorted({scripts[i] for i in chosen})
    places = {name: place for place, name in enumerate(names)}
    return Passages(
        words=[words[i] for i in chosen],
        n_chars=total[stops] - total[begins],
        is_weak=is_weak[at],
        scripts=tuple(names),
        script=np.array([places[scripts[i]] for i in chosen], np.int64),
        ends=word_ends[has_words],
        source=sources[has_words],
    )


def _code(kind: Array, ends: Array) -> Array:
    """Tell what is among code. Shape: [n_pieces]."""
    starts = np.concatenate([[0], ends[:-1]])
    lengths = ends - starts
    place = np.arange(len(kind))
    low = np.maximum(place - _AROUND, np.repeat(starts, lengths))
    high = np.minimum(place + _AROUND + 1, np.repeat(ends, lengths))
    n_code = np.concatenate([[0], np.cumsum((kind == _IS_CODE) + 0.5 * (kind == _IS_NAME))])
    n_words = np.concatenate([[0], np.cumsum(kind == _IS_WORD)])
    code, words = n_code[high] - n_code[low], n_words[high] - n_words[low]
    among = (code >= _LEAST_CODE) & (code > _CODE_AROUND * (code + words))
    n_among = np.concatenate([[0], np.cumsum(among)])
    return np.asarray(among | np.repeat(n_among[ends] - n_among[starts] > _CODE_OF_PASSAGE * lengths, lengths))


def _shouts(text: str) -> bool:
    """Tell whether a text of several words is in capitals; then it has no acronyms that could be told apart."""
    return text.isupper() and " " in text.strip() and 2 * sum(map(str.isupper, text)) > sum(map(str.isalpha, text))


class _Pieces(dict[str, tuple[_Piece, ...]]):
    """Pieces of what stands between white space; the short ones are kept, since most come again."""

    def __missing__(self, token: str) -> tuple[_Piece, ...]:
        pieces = _cut(token)
        if len(token) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[token] = pieces
        return pieces


def _cut(token: str) -> tuple[_Piece, ...]:
    kinds = token.translate(_KINDS)
    is_code, unspaced = _CODE.search(kinds) is not None, "u" in kinds
    if not unspaced:
        kind = _IS_CODE if is_code else _IS_NAME if _NAME.search(kinds) else _IS_OTHER
        if kind != _IS_OTHER or _SHORT.search(kinds) or len(token) > _LONGEST_TOKEN:
            return (_Piece(kind, b"", len(token) + 1, "", is_weak=False),)
    spans = [word.span() for word in (_UNSPACED if is_code else _WORD).finditer(kinds)]
    if not spans:
        return (_Piece(_IS_OTHER, b"", len(token) + 1, "", is_weak=False),)
    begins = [0, *(start for start, _ in spans[1:]), len(token) + 1]
    return tuple(
        _piece(token, kinds, span, end - begin) for span, begin, end in zip(spans, begins, begins[1:], strict=False)
    )


def _piece(token: str, kinds: str, span: tuple[int, int], n_chars: int) -> _Piece:
    start, end = span
    text = token[start:end]
    if text.isupper() or (len(text) == 1 and text.isascii()):  # acronyms and single letters are of no language
        return _Piece(_IS_OTHER, b"", n_chars, "", is_weak=False)
    quoted = start > 0 and token[start - 1] in _QUOTES and token[end : end + 1] in _QUOTES
    glued, capital = kinds[start] == "u" and start > 0, kinds[start] == "L"
    # Identifiers know "the" and "wählen", and hardly "The" and "Wählen": the first word of a foreign piece was missed.
    written = text.lower() if capital else text
    encoded = (written if glued else f" {written}").encode()
    return _Piece(_IS_WORD, encoded, n_chars, script_of(text[0]), is_weak=capital or quoted)


def _kind(character: str) -> str:
    if character in _FIXED:
        return _FIXED[character]
    category = unicodedata.category(character)
    if category[0] in "LM":
        if script_of(character) in NO_SPACES:
            return "u"
        return "L" if category in ("Lu", "Lt") else "l"
    return {"N": "n", "S": "x"}.get(category[0], "p")


_PIECES = _Pieces()
_KINDS = KindTable(_kind)
