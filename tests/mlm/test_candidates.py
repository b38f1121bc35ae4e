"""Models that choose from some pieces: equal to transformers' with the others cut off, and written back whole."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bloodbank.mlm.candidates import Candidates
from bloodbank.mlm.gang import mlm_losses
from bloodbank.mlm.masking import make_test_masks
from bloodbank.mlm.reading import Reading
from bloodbank.mlm.scoring import score_models
from bloodbank.mlm.shapes import WORDS
from bloodbank.mlm.training import train
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary
from made_up import RECIPE, V, stack, text
from tests_reference import reference_model

BIAS = "cls.predictions.bias"


@pytest.fixture
def some():
    """Every second piece, and a text of these alone."""
    counts = np.zeros(V.size, dtype=np.int64)
    counts[6::2] = 1
    words, whole = Candidates.of_counts(counts, V), text("x-0")
    return words, replace(whole, pieces=np.maximum(6, whole.pieces // 2 * 2))


def test_special_pieces_are_always_candidates_and_numbers_keep_their_order(some):
    words, rows = some
    assert words.pieces[:8].tolist() == [0, 1, 2, 3, 4, 6, 8, 10]
    new = words.rows(rows)
    assert new.vocabulary == Vocabulary(len(words.pieces), 0, 1, 2, 3, 4)
    assert (words.pieces[new.all_rows().ids] == rows.all_rows().ids).all()
    assert (new.all_rows().maskable == rows.all_rows().maskable).all()


def test_a_piece_that_is_no_candidate_is_refused(some):
    words, _ = some
    with pytest.raises(ValueError, match=r"piece \d+ of the text is not among the 22 candidates"):
        words.rows(text("x-0"))


def test_the_loss_is_that_of_transformers_where_other_pieces_are_impossible(some):
    words, rows = some
    models = stack([3])
    batch = Reading({"x-0": words.rows(rows)}, RECIPE, 1, 0).batch(0)
    ours = mlm_losses(words.narrow(models), batch)
    ids, attention = torch.from_numpy(words.pieces[batch.ids]), None
    if batch.attention_mask is not None:
        attention = torch.from_numpy(batch.attention_mask).long()
    logits = reference_model(models, V)(input_ids=ids, attention_mask=attention).logits
    logits = logits.flatten(0, 1)[batch.positions]
    impossible = np.setdiff1d(np.arange(V.size), words.pieces)
    logits[:, impossible] = -torch.inf
    gold, weight = torch.from_numpy(words.pieces[batch.gold]), torch.from_numpy(batch.weight).double()
    theirs = torch.nn.functional.cross_entropy(logits, gold, reduction="none")
    assert ours.item() == pytest.approx(((theirs * weight).sum() / weight.sum()).item(), rel=1e-9)


def test_training_changes_candidates_alone_and_what_is_learned_comes_back(some):
    words, rows = some
    models = stack([3, 4])
    before = {name: weight.detach().clone() for name, weight in models.weights.items()}
    narrow = words.narrow(models)
    read = Reading({"x-0": words.rows(rows)}, RECIPE, 2, 0)
    train(narrow, [read, read], RECIPE)
    models = words.widen(narrow, models)
    others = np.setdiff1d(np.arange(V.size), words.pieces)
    for name in (WORDS, BIAS):
        assert torch.equal(models.weights[name][:, others], before[name][:, others])
        assert torch.equal(models.weights[name][:, words.pieces], narrow.weights[name])
        assert not torch.equal(models.weights[name][:, words.pieces], before[name][:, words.pieces])
    assert not torch.equal(models.weights[name := "bert.encoder.layer.0.output.dense.weight"], before[name])


def test_scores_are_ranks_among_candidates(some):
    words, rows = some
    models = stack([3], dtype=torch.float32)
    n_pieces = len(rows.pieces)
    masks = make_test_masks(
        rows.all_rows(), np.array([0, n_pieces]), np.ones(n_pieces, dtype=np.int64),
        mask_share=0.15, min_masked=20, corruption="mask", random=generator("masks"),
    )  # fmt: skip
    (found,) = score_models(words.narrow(models), words.masks(masks))
    attention = torch.arange(masks.ids.shape[1])[None] < torch.from_numpy(masks.lengths)[:, None]
    logits = reference_model(models, V)(torch.from_numpy(masks.ids), attention.long()).logits
    logits = logits[masks.row, masks.position].detach().numpy()[:, words.pieces]
    own = logits[np.arange(len(logits)), np.searchsorted(words.pieces, masks.gold)]
    assert found.reciprocal_rank == pytest.approx(1 / (1 + (logits > own[:, None]).sum(1)), rel=1e-6)


def test_all_pieces_as_candidates_change_nothing():
    every = Candidates(np.arange(V.size), V.size)
    models, rows = stack([3]), text("x-0")
    assert every.narrow(models) is models
    assert every.rows(rows) is rows
