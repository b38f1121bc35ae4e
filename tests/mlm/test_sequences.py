"""Rows worked by hand."""

import itertools
import tracemalloc

import numpy as np
import pytest

from bloodbank.mlm.sequences import make_sequences, read_ids, respelling
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary

V = Vocabulary(50, pad=0, unk=1, cls=2, sep=3, mask=4)
IDS = np.array([10, 11, 12, 20, 21, 30], dtype=np.uint16)
OFFSETS = np.array([0, 3, 5, 6])


def test_packed_rows_are_full_with_separators_between_paragraphs():
    rows = make_sequences(IDS, OFFSETS, V, "packed", 6)
    # stream: 10 11 12 SEP 20 21 SEP 30, four to a row between [CLS] and [SEP]
    assert rows.all_rows().ids.tolist() == [[2, 10, 11, 12, 3, 3], [2, 20, 21, 3, 30, 3]]
    assert rows.all_rows().source.tolist() == [[-1, 0, 1, 2, -1, -1], [-1, 3, 4, -1, 5, -1]]
    assert rows.n_tokens == 12
    assert rows.all_rows().maskable.sum() == 6


def test_the_last_packed_row_is_padded():
    rows = make_sequences(IDS, OFFSETS, V, "packed", 7)
    assert rows.all_rows().ids.tolist() == [[2, 10, 11, 12, 3, 20, 3], [2, 21, 3, 30, 3, 0, 0]]
    assert rows.lengths.tolist() == [7, 5]


def test_rows_hold_one_paragraph_and_long_ones_go_on():
    rows = make_sequences(IDS, OFFSETS, V, "rows", 4)
    assert rows.all_rows().ids.tolist() == [[2, 10, 11, 3], [2, 12, 3, 0], [2, 20, 21, 3], [2, 30, 3, 0]]
    assert rows.lengths.tolist() == [4, 3, 4, 3]


def test_unknown_pieces_are_not_maskable():
    rows = make_sequences(np.array([10, 1, 12]), np.array([0, 3]), V, "packed", 8)
    assert rows.all_rows().maskable.tolist() == [[False, True, False, True, False]]


@pytest.mark.parametrize("layout", ["packed", "rows"])
def test_rows_made_one_by_one_are_those_of_the_whole_text(layout):
    random = generator("rows")
    ids = random.integers(4, 50, size=700).astype(np.uint16)
    ids[random.random(700) < 0.3] = V.unk
    offsets = np.concatenate([[0], np.sort(random.integers(0, 701, size=60)), [700]])  # empty paragraphs too
    rows = make_sequences(ids, offsets, V, layout, 9)
    whole = by_hand(ids, offsets, layout, 7)
    assert rows.n_tokens == sum(map(len, whole))
    every = rows.all_rows()
    for number, row in enumerate(whole):
        one = rows.take(np.array([number]))
        assert one.ids.tolist() == [row]
        assert every.ids[number, : len(row)].tolist() == row
        assert (every.ids[number, len(row) :] == V.pad).all()
        known = one.source[0] >= 0
        assert (ids[one.source[0][known]] == one.ids[0][known]).all()
    assert sorted(every.source[every.source >= 0].tolist()) == list(range(700))
    assert rows.usable.tolist() == np.flatnonzero(every.maskable.any(axis=1)).tolist()


def by_hand(ids, offsets, layout, room):
    """Lay a text out with lists."""
    paragraphs = [ids[a:b].tolist() for a, b in itertools.pairwise(offsets)]
    if layout == "packed":
        stream = [piece for number, one in enumerate(paragraphs) for piece in [V.sep] * (number > 0) + one]
        found = [stream[i : i + room] for i in range(0, len(stream), room)]
    else:
        found = [one[i : i + room] for one in paragraphs for i in range(0, len(one), room)]
    return [[V.cls, *row, V.sep] for row in found]


def test_a_text_of_which_nothing_is_left_has_no_rows():
    for layout in ("packed", "rows"):
        rows = make_sequences(IDS[:0], np.array([0, 0]), V, layout, 6)
        assert (rows.n_rows, rows.n_tokens, len(rows.usable)) == (0, 0, 0)


def test_a_text_stays_on_disk(tmp_path):
    np.save(tmp_path / "train.ids.npy", np.full(4_000_000, 9, dtype=np.uint16))
    np.save(tmp_path / "train.offsets.npy", np.arange(0, 4_000_001, 100))
    tracemalloc.start()
    rows = make_sequences(*read_ids(tmp_path / "train"), V, "packed", 128)
    assert len(rows.usable) == rows.n_rows
    assert rows.take(np.arange(8)).ids.shape == (8, 128)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6  # a block of rows while usable ones are looked for; the pieces alone, in 64 bits, are 32 MB


def test_a_respelled_text_has_the_same_frequencies_in_other_symbols():
    vocabulary = Vocabulary(12, 0, 1, 2, 3, 4)
    text = np.array([5, 6, 5, 7, 5, 6])
    table = respelling(np.bincount(text, minlength=12), vocabulary, np.random.default_rng(0))
    assert not set(table[text]) & set(text)  # 5, 6 and 7 are written as three of 8 to 11
    assert sorted(np.unique(table[text], return_counts=True)[1]) == [1, 2, 3]
    assert table[:5].tolist() == [0, 1, 2, 3, 4]
    assert table[table].tolist() == list(range(12))
