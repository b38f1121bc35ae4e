"""From words with labels to rows of pieces with classes, and from classes back to one label a word.

The tokenizer is that of the models, see `bloodbank.tokenizer.load_tokenizer`:

    rows = encode(test.sentences, task.labels, tokenizer, vocabulary)
    predicted = to_labels(rows, predict(taggers, rows)[0], task.labels)
    len(predicted[0]) == len(test.sentences[0].words)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.downstream.tasks.data import IGNORED, Encoded, Sentence
from bloodbank.errors import UsageError
from bloodbank.tokenizer import Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ints = np.ndarray[Any, np.dtype[np.int64]]
_LENGTH = 128  # pieces of a row: XTREME's
_SPECIAL = 2  # [CLS] and [SEP]


def encode(
    sentences: Sequence[Sentence],
    labels: Sequence[str],
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    length: int = _LENGTH,
) -> Encoded:
    """Lay sentences out in rows of pieces; the first piece of a word carries its label.

    Each word is cut into pieces alone, as its neighbours do not matter to a tokenizer that is given words. Its
    characters are cleaned as the text was that the models have read: a soft hyphen or a mark of direction is no letter.
    A word that becomes no piece (white space, or characters that are taken away) is one [UNK]. A sentence that does not
    fit into a row goes on in the next, which begins with a word, and so on: no word is lost. Of a word that alone is
    longer than a row, the pieces that fit are kept: the others could not reach its first piece anyway.

    Args:
        sentences: One at least, each with one word at least.
        labels: Of the task; a label's place is its class.
        tokenizer: That of the models.
        vocabulary: Its special pieces.
        length: Pieces in a row at most, [CLS] and [SEP] included.

    Returns:
        Rows in the order of the sentences, as wide as the longest.

    Raises:
        UsageError: There is nothing to encode, a label is not the task's, or rows have no room for a piece.
    """
    _check(sentences, length)
    pieces, starts, words = _pieces_of_words(sentences, tokenizer, vocabulary.unk)
    sizes = np.minimum(np.diff(starts)[words], length - _SPECIAL)  # pieces of each word. Shape: [n_words]
    n_words = np.array([len(sentence.words) for sentence in sentences])
    row = _rows(sizes, n_words, length - _SPECIAL)
    row_begins = np.flatnonzero(np.diff(row, prepend=-1))
    lengths = np.add.reduceat(sizes, row_begins) + _SPECIAL
    before = np.cumsum(sizes) - sizes  # pieces before each word
    place = before - before[row_begins][row] + 1  # of a word's first piece in its row

    shape = (len(row_begins), int(lengths.max()))
    ids = np.full(shape, vocabulary.pad, dtype=np.int32)
    gold = np.full(shape, IGNORED, dtype=np.int32)
    word = np.full(shape, -1, dtype=np.int32)
    within = np.arange(int(sizes.sum())) - np.repeat(before, sizes)  # which piece of its word
    ids[np.repeat(row, sizes), np.repeat(place, sizes) + within] = pieces[np.repeat(starts[words], sizes) + within]
    ids[:, 0] = vocabulary.cls
    ids[np.arange(len(ids)), lengths - 1] = vocabulary.sep
    gold[row, place] = _classes(sentences, labels)
    word[row, place] = np.concatenate([np.arange(n) for n in n_words])
    sentence = np.repeat(np.arange(len(sentences)), n_words)[row_begins]
    return Encoded(ids, lengths.astype(np.int32), gold, sentence.astype(np.int32), word)


def to_labels(rows: Encoded, classes: np.ndarray[Any, np.dtype[Any]], labels: Sequence[str]) -> list[tuple[str, ...]]:
    """Turn classes at first pieces into one label a word.

    Args:
        rows: What was classified.
        classes: Of every piece; only those at first pieces are looked at. Shape: [row, position], as `rows.ids`.
        labels: Of the task.

    Returns:
        The labels of each sentence, in the order of its words.

    Raises:
        UsageError: The classes are not those of these rows, or not the task's.
    """
    first = rows.word >= 0
    if classes.shape != first.shape:
        raise UsageError(
            f"Classes have the shape {list(classes.shape)}, but the rows {list(first.shape)}. Give theirs."
        )
    of_words = np.asarray(classes[first])
    wrong = of_words[(of_words < 0) | (of_words >= len(labels))]
    if wrong.size:
        raise UsageError(f"Class {wrong[0]} at a first piece, but the task has the classes 0 to {len(labels) - 1}.")
    # Rows stand in the order of sentences and words, so first pieces do too.
    ends = np.cumsum(np.bincount(np.repeat(rows.sentence, first.sum(axis=1)))).tolist()
    each = [labels[number] for number in of_words.tolist()]
    return [tuple(each[begin:end]) for begin, end in pairwise([0, *ends])]


def _check(sentences: Sequence[Sentence], length: int) -> None:
    if length <= _SPECIAL:
        raise UsageError(f"length = {length}: a row holds [CLS], [SEP] and pieces between them. Give 3 or more.")
    if not sentences:
        raise UsageError("There are no sentences to encode. Give one at least.")
    for sentence in sentences:
        if not sentence.words or len(sentence.words) != len(sentence.labels):
            raise UsageError(
                f"{sentence.place}: {len(sentence.words)} words and {len(sentence.labels)} labels. A sentence has one "
                "word at least, and one label a word."
            )


def _pieces_of_words(sentences: Sequence[Sentence], tokenizer: Tokenizer, unknown: int) -> tuple[Ints, Ints, Ints]:
    """Cut every different word once.

    Returns:
        Pieces of all different words, where each word's begin and end, and which word stands at each place of the text.

    Shape:
        [n_pieces], [n_different + 1], [n_words].
    """
    from bloodbank.corpus.cleaning import normalize

    number: dict[str, int] = {}
    text = chain.from_iterable(sentence.words for sentence in sentences)
    words = np.array([number.setdefault(word, len(number)) for word in text])
    # A list of one word, not a text: tokenizers that mark spaces treat every word as one that follows a space.
    cleaned = [[normalize(word)] for word in number]
    encodings = tokenizer.encode_batch(cleaned, is_pretokenized=True, add_special_tokens=False)
    each = [encoding.ids or [unknown] for encoding in encodings]
    starts = np.cumsum([0, *map(len, each)])
    return np.fromiter(chain.from_iterable(each), dtype=np.int64, count=int(starts[-1])), starts, words


def _classes(sentences: Sequence[Sentence], labels: Sequence[str]) -> Ints:
    number = {label: place for place, label in enumerate(labels)}
    for sentence in sentences:
        if unknown := [label for label in sentence.labels if label not in number]:
            raise UsageError(
                f"{sentence.place}: {unknown[0]!r} is no label of the task. There are {', '.join(labels)}."
            )
    return np.array([number[label] for sentence in sentences for label in sentence.labels])


def _rows(sizes: Ints, n_words: Ints, room: int) -> Ints:
    """Say in which row each word stands: as many words as fit, and never two sentences in one.

    Args:
        sizes: Pieces of each word, `room` at most. Shape: [n_words].
        n_words: Words of each sentence. Shape: [n_sentences].
        room: Pieces in a row.
    """
    ends = np.cumsum(n_words)
    begins = np.zeros(len(sizes), dtype=np.int64)  # 1 at each word that begins a row
    begins[ends - n_words] = 1
    for sentence in np.flatnonzero(np.add.reduceat(sizes, ends - n_words) > room):
        filled = 0
        for word in range(ends[sentence] - n_words[sentence], ends[sentence]):
            filled += sizes[word]
            if filled > room:
                begins[word], filled = 1, sizes[word]
    return np.cumsum(begins) - 1
