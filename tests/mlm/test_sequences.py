"""Rows worked by hand."""

import numpy as np

from bloodbank.mlm.sequences import make_sequences
from bloodbank.tokenizer import Vocabulary

V = Vocabulary(50, pad=0, unk=1, cls=2, sep=3, mask=4)
IDS = np.array([10, 11, 12, 20, 21, 30], dtype=np.uint16)
OFFSETS = np.array([0, 3, 5, 6])


def test_packed_rows_are_full_with_separators_between_paragraphs():
    rows = make_sequences(IDS, OFFSETS, V, "packed", 6)
    # stream: 10 11 12 SEP 20 21 SEP 30, four to a row between [CLS] and [SEP]
    assert rows.ids.tolist() == [[2, 10, 11, 12, 3, 3], [2, 20, 21, 3, 30, 3]]
    assert rows.source.tolist() == [[-1, 0, 1, 2, -1, -1], [-1, 3, 4, -1, 5, -1]]
    assert rows.n_tokens == 12
    assert rows.maskable.sum() == 6


def test_the_last_packed_row_is_padded():
    rows = make_sequences(IDS, OFFSETS, V, "packed", 7)
    assert rows.ids.tolist() == [[2, 10, 11, 12, 3, 20, 3], [2, 21, 3, 30, 3, 0, 0]]
    assert rows.lengths.tolist() == [7, 5]


def test_rows_hold_one_paragraph_and_long_ones_go_on():
    rows = make_sequences(IDS, OFFSETS, V, "rows", 4)
    assert rows.ids.tolist() == [[2, 10, 11, 3], [2, 12, 3, 0], [2, 20, 21, 3], [2, 30, 3, 0]]
    assert rows.lengths.tolist() == [4, 3, 4, 3]


def test_unknown_pieces_are_not_maskable():
    rows = make_sequences(np.array([10, 1, 12]), np.array([0, 3]), V, "packed", 8)
    assert rows.maskable.tolist() == [[False, True, False, True, False]]
