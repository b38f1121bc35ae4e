"""Ranks, scores and health against numbers worked by hand and against transformers."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from bloodbank.experiment.load import ModelSettings
from bloodbank.mlm.masking import TestMasks, make_test_masks
from bloodbank.mlm.scoring import (
    NotFiniteError,
    PieceScores,
    health_of,
    rank_of_gold,
    ratio_with_error,
    score_models,
    score_pieces,
    score_unigram,
    unit_sums,
)
from bloodbank.mlm.sequences import make_sequences
from bloodbank.mlm.weights import new_stack
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary
from tests_reference import reference_model

VOCABULARY = Vocabulary(60, pad=0, unk=1, cls=2, sep=3, mask=4)


def masks_of(units, gold=None, n_bytes=None):
    n = len(units)
    gold = np.full(n, 5) if gold is None else np.asarray(gold)
    empty = np.zeros((1, n), dtype=np.int64)
    n_bytes = np.ones(n, dtype=np.int64) if n_bytes is None else np.asarray(n_bytes)
    return TestMasks(empty, np.array([n]), np.zeros(n, int), np.arange(n), gold, np.asarray(units), n_bytes)


def test_ranks_worked_by_hand():
    logits = torch.tensor(
        [
            [3.0, 1.0, 2.0, 0.0],  # gold 0 is first: rank 1
            [3.0, 1.0, 2.0, 0.0],  # gold 2 is second: rank 2
            [1.0, 1.0, 2.0, 0.0],  # gold 0: one above, one tied: 1 + 1 + 0.5 = 2.5
            [7.0, 7.0, 7.0, 7.0],  # all tied: 1 + 0 + 1.5 = 2.5, never 1
        ]
    )
    gold = torch.tensor([0, 2, 0, 3])
    assert rank_of_gold(logits, gold).tolist() == [1.0, 2.0, 2.5, 2.5]
    scores = score_pieces(logits, gold)
    assert scores.reciprocal_rank.mean() == pytest.approx((1 + 1 / 2 + 1 / 2.5 + 1 / 2.5) / 4)
    assert scores.correct.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert scores.nll[3] == pytest.approx(math.log(4))


def test_ranks_equal_those_of_scipy():
    logits = torch.from_numpy(generator("ranks").integers(-4, 4, size=(50, 20)).astype(np.float32))
    gold = torch.from_numpy(generator("gold").integers(0, 20, size=50))
    expected = [rankdata(-row, method="average")[g] for row, g in zip(logits.numpy(), gold.numpy(), strict=True)]
    assert rank_of_gold(logits, gold).tolist() == expected


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_not_finite_is_never_scored(bad):
    logits = torch.zeros(2, 4)
    logits[1, 3] = bad
    with pytest.raises(NotFiniteError):
        score_pieces(logits, torch.tensor([0, 0]))


def test_whole_scoring_equals_transformers_on_the_same_masks():
    settings = ModelSettings(n_layers=2, n_heads=2, hidden_size=16, feed_forward_size=24, n_positions=16, dropout=0.3)
    stack = new_stack(settings, 60, (1,), 0)
    random = generator("scoring text")
    ids = random.integers(5, 60, size=403)
    offsets = np.array([0, 100, 150, 300, 403])
    sequences = make_sequences(ids, offsets, VOCABULARY, "packed", 16).all_rows()
    masks = make_test_masks(
        sequences, offsets, np.full(403, 2), mask_share=0.15, min_masked=10_000, corruption="mask", random=random
    )
    (ours,) = score_models(stack, masks, n_rows=7)
    model = reference_model(stack, VOCABULARY).eval()
    attention = np.arange(masks.ids.shape[1])[None] < masks.lengths[:, None]
    with torch.no_grad():
        logits = model(torch.from_numpy(masks.ids), attention_mask=torch.from_numpy(attention).long()).logits
    chosen = logits[masks.row, masks.position].numpy()
    ranks = np.array([rankdata(-row, method="average")[g] for row, g in zip(chosen, masks.gold, strict=True)])
    np.testing.assert_allclose(ours.reciprocal_rank, 1 / ranks, rtol=1e-6)
    nll = -torch.from_numpy(chosen).log_softmax(-1).numpy()[np.arange(len(ranks)), masks.gold]
    np.testing.assert_allclose(ours.nll, nll, rtol=1e-4)


def test_score_of_units_and_its_error_by_hand():
    # Two paragraphs: (1 + 0.5) of 2 pieces, and 0.25 of 1: mean 1.75 / 3.
    scores = PieceScores(np.array([1.0, 0.5, 0.25]), np.array([1.0, 0.0, 0.0]), np.log([2.0, 4.0, 8.0]))
    masks = masks_of([0, 0, 7], n_bytes=[1, 2, 3])
    sums, counts = unit_sums(scores, masks, "mrr")
    assert sums.tolist() == [1.5, 0.25]
    assert counts.tolist() == [2.0, 1.0]
    value, error = ratio_with_error(sums, counts)
    assert value == pytest.approx(1.75 / 3)
    residuals = (1.5 - value * 2, 0.25 - value * 1)
    assert error == pytest.approx(math.sqrt(2 / 1 * sum(r * r for r in residuals)) / 3)
    bits, n_bytes = unit_sums(scores, masks, "bits_per_byte")
    assert bits.tolist() == pytest.approx([1 + 2, 3])
    assert n_bytes.tolist() == [3.0, 3.0]
    assert math.isnan(ratio_with_error(np.array([1.0]), np.array([2.0]))[1])


def test_error_shrinks_as_simulation_says():
    random = np.random.default_rng(1)
    values = []
    errors = []
    for _ in range(300):
        counts = random.integers(1, 9, size=80).astype(float)
        effect = random.normal(0.3, 0.1, size=80)
        value, error = ratio_with_error(effect * counts, counts)
        values.append(value)
        errors.append(error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_unigram_ranks_by_frequency_and_ties_share():
    counts = np.array([0, 0, 0, 0, 0, 9.0, 4.0, 4.0])
    masks = masks_of([0, 0, 1, 1], gold=[5, 6, 7, 1])
    scores = score_unigram(masks, counts)
    # Piece 1 never occurred: below three, tied with four others of the five special ones: 1 + 3 + 2.
    assert (1 / scores.reciprocal_rank).tolist() == pytest.approx([1.0, 2.5, 2.5, 6.0])
    assert scores.nll[0] == pytest.approx(-math.log(10 / 25))


@pytest.mark.parametrize(("gain", "expected"), [(0.2, "healthy"), (0.0, "unhealthy"), (-0.2, "unhealthy")])
def test_health_is_three_standard_errors_above_the_unigram(gain, expected):
    random = np.random.default_rng(0)
    units = np.repeat(np.arange(40), 5)
    unigram = random.uniform(0.0, 0.6, size=200)
    model = unigram + random.normal(gain, 0.2, size=200)
    pieces = [PieceScores(values, values, values) for values in (model, unigram)]
    state, z = health_of(*pieces, masks_of(units))
    assert state == expected
    assert np.sign(round(z)) in ({1} if gain > 0 else {-1} if gain < 0 else {-1, 0, 1})


def test_a_model_that_is_the_unigram_is_unhealthy():
    same = PieceScores(np.full(4, 0.5), np.zeros(4), np.ones(4))
    assert health_of(same, same, masks_of([0, 0, 1, 1])) == ("unhealthy", 0.0)


def test_ranks_are_exact_over_a_large_vocabulary_with_many_ties_and_huge_logits():
    random = generator("large ranks")
    logits = random.integers(-3, 3, size=(40, 70_000)).astype(np.float32)
    logits[1] *= 1e38  # the sum of the row overflows, though every logit is finite
    gold = random.integers(0, 70_000, size=40)
    expected = [
        1 + (row > row[g]).sum() + 0.5 * ((row == row[g]).sum() - 1) for row, g in zip(logits, gold, strict=True)
    ]
    assert rank_of_gold(torch.from_numpy(logits), torch.from_numpy(gold)).tolist() == expected
