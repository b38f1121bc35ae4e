"""Training masks and stored test masks."""

import numpy as np
import pytest

from bloodbank.mlm.masking import corrupt, make_test_masks, training_batch
from bloodbank.mlm.sequences import make_sequences
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary

VOCABULARY = Vocabulary(500, pad=0, unk=1, cls=2, sep=3, mask=4)
IDS = np.where(generator("u").random(5_000) < 0.05, 1, generator("i").integers(5, 500, size=5_000))
OFFSETS = np.arange(0, 5_001, 50)


def sequences(layout="packed", n_positions=32):
    return make_sequences(IDS, OFFSETS, VOCABULARY, layout, n_positions)


def make(**changes):
    arguments = {"mask_share": 0.15, "min_masked": 10**6, "corruption": "mask", "random": generator("m")} | changes
    return make_test_masks(sequences().all_rows(), OFFSETS, np.arange(5_000) % 7, **arguments)


def test_every_known_piece_is_masked_exactly_once_in_the_end():
    masks = make()
    assert len(masks.gold) == (VOCABULARY.unk != IDS).sum()
    n_rows = sequences().n_rows
    assert len(set(zip((masks.row % n_rows).tolist(), masks.position.tolist(), strict=True))) == len(masks.gold)
    assert (masks.ids[masks.row, masks.position] == VOCABULARY.mask).all()
    assert not np.isin(masks.gold, VOCABULARY.special).any()
    assert (np.diff(masks.row) >= 0).all()


def test_rounds_stop_at_the_wanted_number_and_have_the_wanted_share():
    masks = make(min_masked=10)
    assert len(masks.ids) == sequences().n_rows  # one round
    assert len(masks.gold) / (VOCABULARY.unk != IDS).sum() == pytest.approx(0.15, abs=0.02)
    assert len(make(min_masked=len(masks.gold) + 1).ids) == 2 * sequences().n_rows


def test_gold_paragraph_and_bytes_belong_to_the_masked_piece():
    masks = make(min_masked=10)
    rows = sequences()
    source = rows.all_rows().source[masks.row % rows.n_rows, masks.position]
    assert (masks.gold == IDS[source]).all()
    assert (masks.unit == source // 50).all()
    assert (masks.n_bytes == source % 7).all()


def test_nothing_else_is_changed_and_masks_do_not_depend_on_a_seed_of_training():
    masks, again = make(), make()
    untouched = np.ones(masks.ids.shape, dtype=bool)
    untouched[masks.row, masks.position] = False
    n_rounds = len(masks.ids) // sequences().n_rows
    assert (masks.ids == np.tile(sequences().all_rows().ids, (n_rounds, 1)))[untouched].all()
    assert (masks.ids == again.ids).all()


def test_training_masks_a_fixed_share_of_each_row():
    rows = sequences()
    chosen = np.arange(8)
    batch = training_batch(rows.take(chosen), 0.15, generator("t"))
    per_row = np.bincount(batch.positions // batch.ids.shape[1], minlength=8)
    assert per_row.tolist() == np.rint(rows.take(chosen).maskable.sum(1) * 0.15).astype(int).tolist()
    assert batch.attention_mask is None
    assert (batch.gold == rows.take(chosen).ids.reshape(-1)[batch.positions]).all()
    assert not np.isin(batch.gold, VOCABULARY.special).any()


def test_padding_is_marked_and_never_masked():
    rows = sequences("rows", 40)  # paragraphs of 50: rows of 40 and of 14
    batch = training_batch(rows.take(np.array([0, 1])), 0.15, generator("t"))
    assert batch.attention_mask.sum(1).tolist() == [40, 14]
    assert batch.attention_mask.reshape(-1)[batch.positions].all()


def test_masked_pieces_show_mask_random_or_themselves():
    ids = np.full((200, 200), 77)
    seen = corrupt(ids, np.ones(ids.shape, dtype=bool), VOCABULARY, generator("c"))
    assert (seen == VOCABULARY.mask).mean() == pytest.approx(0.8, abs=0.01)
    assert (seen == 77).mean() == pytest.approx(0.1, abs=0.01)
    others = seen[(seen != VOCABULARY.mask) & (seen != 77)]
    assert not np.isin(others, VOCABULARY.special).any()
    assert len(np.unique(others)) > 400
    assert (corrupt(ids, np.zeros(ids.shape, dtype=bool), VOCABULARY, generator("c")) == ids).all()
