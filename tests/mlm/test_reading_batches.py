"""What a model reads: every row as often as it should be, in the order of its language alone, mixed or not."""

import numpy as np
import pytest
import torch

from bloodbank.mlm.gang import mlm_losses
from bloodbank.mlm.masking import MaskedRows
from bloodbank.mlm.reading import Reading, ahead
from bloodbank.mlm.sequences import make_sequences
from bloodbank.mlm.training import train
from made_up import RECIPE, V, reading, stack, text

RECIPE = RECIPE.model_copy(update={"batch_size": 5})
SIZES = {"x-a": 210, "x-b": 130, "x-c": 300}


def marked(language, layout="rows"):
    """A text whose rows can be told from each other and from other languages': their first piece."""
    number = sorted(SIZES).index(language)
    n_rows = 20 + 7 * number
    ids = np.concatenate([[1_000 * (number + 1) + row, 1_000 * (number + 1) + 500 + row] for row in range(n_rows)])
    vocabulary = V.__class__(9_000, V.pad, V.unk, V.cls, V.sep, V.mask)
    return make_sequences(ids, np.arange(0, len(ids) + 1, 2), vocabulary, layout, 12)


def rows_read(one):
    """What each batch brought: real rows, by what stood in them before it was masked."""
    found = []
    for update in range(one.n_updates):
        batch = one.batch(update)
        ids = batch.ids.copy()
        used = batch.weight > 0
        ids.reshape(-1)[batch.positions[used]] = batch.gold[used]
        real = used.reshape(len(ids), -1).any(1)
        found.append([tuple(row[1:3].tolist()) for row in ids[real]])
    return found


def flat(batches):
    return [row for batch in batches for row in batch]


def by_language(rows):
    found = {}
    for first, second in rows:
        found.setdefault("x-" + "abc"[first // 1_000 - 1], []).append((first, second))
    return found


@pytest.mark.parametrize("epochs", [1, 2, 5])
@pytest.mark.parametrize("languages", [("x-a",), ("x-a", "x-b"), ("x-c", "x-a", "x-b")])
def test_every_row_of_each_text_is_read_once_an_epoch(languages, epochs):
    one = Reading({language: marked(language) for language in languages}, RECIPE, epochs, 3)
    read = by_language(flat(rows_read(one)))
    assert sorted(read) == sorted(languages)
    for language, rows in read.items():
        everything = sorted(map(tuple, marked(language).all_rows().ids[:, 1:3].tolist()))
        assert sorted(rows) == sorted(everything * epochs)


def test_each_epoch_has_all_rows_in_an_order_of_its_own():
    one = Reading({"x-a": marked("x-a")}, RECIPE, 3, 0)
    rows, n = flat(rows_read(one)), marked("x-a").n_rows
    epochs = [rows[i * n : (i + 1) * n] for i in range(3)]
    assert all(sorted(epoch) == sorted(epochs[0]) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def orders(one):
    """The order of each language's rows, over batches; within a batch of a mixture languages stand together."""
    return by_language(flat(rows_read(one)))


@pytest.mark.parametrize("seed", [0, 7])
def test_a_mixture_has_each_languages_rows_in_the_order_of_its_own_reading(seed):
    mixture = Reading({language: marked(language) for language in ("x-b", "x-c", "x-a")}, RECIPE, 2, seed)
    found = orders(mixture)
    for language in SIZES:
        alone = Reading({language: marked(language)}, RECIPE, 2, seed)
        assert found[language] == flat(rows_read(alone))
    mixed = sum(len({row[0] // 1_000 for row in batch}) > 1 for batch in rows_read(mixture))
    assert mixed > 0.8 * mixture.n_updates  # and not one language after the other


def test_with_matched_tokens_each_language_of_a_mixture_brings_the_tokens_of_its_own():
    texts = {language: text(language, n_pieces=n, layout="rows") for language, n in SIZES.items()}
    mixture = Reading(texts, RECIPE, 3, 0)
    alone = [Reading({language: one}, RECIPE, 3, 0) for language, one in texts.items()]
    assert mixture.tokens[-1] == sum(one.tokens[-1] for one in alone)
    assert mixture.tokens[-1] == 3 * sum(one.n_tokens for one in texts.values())


@pytest.mark.parametrize("languages", [("x-a", "x-b"), ("x-a", "x-b", "x-c")])
def test_with_matched_total_each_language_brings_its_share(languages):
    mixture = Reading({language: marked(language) for language in languages}, RECIPE, 4, 0, 1 / len(languages))
    read = orders(mixture)
    for language in languages:
        alone = flat(rows_read(Reading({language: marked(language)}, RECIPE, 4, 0)))
        assert len(read[language]) == round(len(alone) / len(languages))
        assert read[language] == alone[: len(read[language])]
    of_each = [len(rows) for rows in read.values()]
    assert sum(of_each) == pytest.approx(np.mean([4 * marked(one).n_rows for one in languages]), abs=len(languages))


def test_only_the_last_batch_is_filled_up_and_what_fills_it_has_no_weight():
    one = Reading({"x-a": marked("x-a")}, RECIPE, 1, 0)
    odd = Reading({"x-a": marked("x-a")}, RECIPE.model_copy(update={"batch_size": 8}), 1, 0)
    assert (one.n_updates, odd.n_updates) == (4, 3)  # 20 rows
    sizes = [[len(batch) for batch in rows_read(reading)] for reading in (one, odd)]
    assert sizes == [[5, 5, 5, 5], [8, 8, 4]]
    last = odd.batch(2)
    assert len(last.ids) == 8
    assert last.weight.reshape(8, -1)[4:].sum() == 0
    assert last.weight.reshape(8, -1)[:4].sum(1).min() >= 1
    assert odd.tokens.tolist() == [0, 8 * 4, 16 * 4, 20 * 4]


def test_what_fills_the_last_batch_changes_no_loss_and_no_gradient():
    one = reading("x-a", n_pieces=70, layout="rows", epochs=1)
    last = one.batch(one.n_updates - 1)
    n_real = int((last.weight.reshape(len(last.ids), -1).sum(1) > 0).sum())
    assert 0 < n_real < len(last.ids)
    n_slots = len(last.positions) // len(last.ids)
    real = slice(0, n_real * n_slots)
    mask = None if last.attention_mask is None else last.attention_mask[:n_real]
    without = MaskedRows(last.ids[:n_real], mask, last.positions[real], last.gold[real], last.weight[real])
    models, found = stack(), []
    for weight in models.weights.values():
        weight.requires_grad_(True)
    for batch in (last, without):
        losses = mlm_losses(models, batch)
        found.append([losses.detach(), *torch.autograd.grad(losses.sum(), list(models.weights.values()))])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("layout", ["packed", "rows"])
def test_tokens_are_the_pieces_of_real_rows_without_padding(layout):
    one = reading("x-a", n_pieces=130, layout=layout, epochs=2, recipe=RECIPE)
    counted = [0]
    for update in range(one.n_updates):
        batch = one.batch(update)
        real = batch.weight.reshape(len(batch.ids), -1).any(1)
        present = np.ones(batch.ids.shape, bool) if batch.attention_mask is None else batch.attention_mask
        counted.append(counted[-1] + int(present[real].sum()))
    assert one.tokens.tolist() == counted
    (phase,) = train(stack(), [one], RECIPE)
    assert phase.tokens_seen == counted[-1] == 2 * text("x-a", n_pieces=130, layout=layout).n_tokens


@pytest.mark.parametrize("languages", [("x-a",), ("x-a", "x-b")])
def test_batches_are_the_same_in_any_order_and_from_another_object(languages):
    first, again = (
        Reading({one: text(one, n_pieces=150) for one in names}, RECIPE, 2, 4) for names in (languages, languages[::-1])
    )
    last = first.n_updates - 1
    for update in [last, 0, 3, 3, 1]:
        ours, theirs = first.batch(update), again.batch(update)
        for name in ("ids", "positions", "gold", "weight"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name))


def test_seed_language_and_update_each_change_the_masks():
    rows = marked("x-a")

    def places(language, seed, update):
        return Reading({language: rows}, RECIPE, 2, seed).batch(update).positions.tolist()

    first = places("x-a", 0, 0)
    assert places("x-a", 0, 0) == first
    assert places("x-b", 0, 0) != first
    assert places("x-a", 1, 0) != first
    assert places("x-a", 0, 1) != first


def test_two_protocols_on_one_recipient_read_the_same_batches():
    """M_t's and the second phase's: fewer epochs are the beginning of more."""
    long, short = (Reading({"x-a": marked("x-a")}, RECIPE, epochs, 0) for epochs in (4, 2))
    assert rows_read(short) == rows_read(long)[: short.n_updates]
    for update in range(short.n_updates):
        assert np.array_equal(short.batch(update).ids, long.batch(update).ids)


def test_rows_without_anything_to_predict_are_in_no_count():
    ids = np.concatenate([np.arange(5, 35), np.full(10, V.unk)])
    rows = make_sequences(ids, np.arange(0, 41, 5), V, "rows", 12)
    one = Reading({"x-a": rows}, RECIPE, 2, 0)
    assert one.tokens[-1] == 2 * 6 * 7
    assert one.n_updates == -(-12 // 5)


@pytest.mark.parametrize("threaded", [True, False])
@pytest.mark.parametrize("n", [0, 1, 3, 20])
def test_batches_made_ahead_come_in_order_and_all(threaded, n):
    assert list(ahead(lambda update: update * 2, range(n), threaded=threaded)) == [2 * update for update in range(n)]


def test_a_fault_while_batches_are_made_ahead_is_told():
    def make(update):
        if update == 2:
            raise ZeroDivisionError
        return update

    made = ahead(make, range(10), threaded=True)
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(made)
