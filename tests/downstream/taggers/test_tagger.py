"""Taggers against transformers' BertForTokenClassification, and predictions against what else is in a batch."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bloodbank.downstream.taggers.batches import TaggingReading, rows_of
from bloodbank.downstream.taggers.model import class_logits, class_losses, draw_for_tagger, predict, with_classifier
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import FinetuneSettings
from bloodbank.mlm.masking import side_by_side
from bloodbank.mlm.shapes import WORDS
from bloodbank.randomness import generator, torch_generator
from made_up_rows import DROPPING, MODEL, N_CLASSES, V, encoders, largest_difference, of_transformers, padded, rows


def taggers_of(seeds=(0,), settings=MODEL, dtype=torch.float64):
    """Taggers whose classifiers are far from equal classes."""
    found = with_classifier(encoders(seeds, settings, dtype), N_CLASSES, seeds)
    found.weights["classifier.weight"] *= 50
    return found


def everything(data):
    return rows_of(data, np.arange(len(data.ids)), data.word >= 0)


def test_the_classifier_comes_from_the_seed_alone():
    narrow = encoders((0, 1, 2))
    found = with_classifier(narrow, N_CLASSES, (5, 5, 6)).weights["classifier.weight"]
    assert found.shape == (3, N_CLASSES, MODEL.hidden_size)
    assert torch.equal(found[0], found[1])  # other encoders, one seed
    assert torch.equal(found[2:], with_classifier(encoders((7,)), N_CLASSES, (6,)).weights["classifier.weight"])
    assert not torch.allclose(found[1], found[2])


def test_a_new_classifier_is_normal_with_bert_s_deviation():
    wide = MODEL.model_copy(update={"hidden_size": 128})
    weight = with_classifier(encoders((0,), wide), 200, (0,)).weights["classifier.weight"]
    assert float(weight.std()) == pytest.approx(0.02, rel=0.03)
    assert abs(float(weight.mean())) < 0.001


def test_the_encoders_are_copied_and_lose_the_head_of_pretraining():
    given = encoders((0, 1))
    before = {name: weight.clone() for name, weight in given.weights.items()}
    taggers = with_classifier(given, N_CLASSES, (0, 1))
    assert {name for name in taggers.weights if not name.startswith("bert.")} == {
        "classifier.weight",
        "classifier.bias",
    }
    for weight in taggers.weights.values():
        weight.add_(1.0)
    assert all(torch.equal(weight, before[name]) for name, weight in given.weights.items())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_logits_and_losses_are_those_of_transformers(dtype, tolerance):
    taggers, data = taggers_of((0, 1), dtype=dtype), rows("a")
    batch = everything(data)
    logits, losses = class_logits(taggers, batch), class_losses(taggers, batch)
    for model in range(2):
        with torch.no_grad():
            theirs = of_transformers(taggers, model)(**padded(data, np.arange(len(data.ids))))
        assert (logits[model] - theirs.logits[torch.from_numpy(data.word >= 0)]).abs().max() < tolerance
        assert float(losses[model]) == pytest.approx(float(theirs.loss), rel=tolerance)
    assert abs(float(losses[0] - losses[1])) > 0.01


def test_models_that_read_different_rows_have_the_losses_of_each_alone():
    taggers, texts = taggers_of((0, 1)), [rows("a", n=6, longest=5), rows("b", n=6, longest=12)]
    batches = [everything(data) for data in texts]
    together = class_losses(taggers, side_by_side(batches, 0))
    for model, batch in enumerate(batches):
        alone = class_losses(taggers.select([model]), batch)
        assert float(together[model]) == pytest.approx(float(alone[0]), rel=1e-12)


def test_the_classifier_drops_what_it_reads():
    """Bits of 1 − p undo the scaling, so that nothing is dropped; no bits at all leave the bias, which is 0."""
    taggers, batch = taggers_of((0, 1), DROPPING), everything(rows("a"))
    drawn = list(draw_for_tagger(DROPPING, batch, [torch_generator("cpu", "x")], torch.float64))
    assert len(drawn) == 1 + 3 * DROPPING.n_layers + 1
    kept = [torch.full_like(bits, 1.0 - (0.1 if bits.dim() == 5 else 0.2)) for bits in drawn]
    plain = class_losses(taggers, batch)
    assert class_losses(taggers, batch, iter(kept)) == pytest.approx(plain, rel=1e-12)
    nothing = class_losses(taggers, batch, iter([*kept[:-1], 0 * kept[-1]]))
    assert nothing.tolist() == pytest.approx([math.log(N_CLASSES)] * 2, rel=1e-12)
    some = class_losses(taggers, batch, iter([*kept[:-1], drawn[-1]]))
    ids, present = (torch.from_numpy(array).expand(2, -1, -1) for array in (batch.ids, batch.attention_mask))
    hidden = taggers.encode(ids, present).flatten(1, 2)[:, torch.from_numpy(batch.positions)]
    dropped = hidden * drawn[-1] / 0.8
    logits = dropped @ taggers.weights["classifier.weight"].transpose(1, 2)
    expected = [torch.nn.functional.cross_entropy(one, torch.from_numpy(batch.gold)) for one in logits]
    assert some.tolist() == pytest.approx([float(one) for one in expected], rel=1e-12)
    assert abs(float(some[0] - plain[0])) > 0.01


def test_bits_of_dropout_are_each_model_s_own_and_only_where_its_rows_have_pieces():
    """Embeddings, attention and two outputs a layer, what the classifier reads; words only in the last layer."""
    readings = [TaggingReading(rows(name, n=9), "pos", name, SETTINGS, 0) for name in ("x-a", "x-b", "x-c")]
    batches = [reading.batch(1) for reading in readings]
    batch = side_by_side(batches, 0)

    def draw(batch, *names):
        bits = [torch_generator("cpu", name) for name in names]
        return list(draw_for_tagger(DROPPING, batch, bits, torch.float64))

    together, first = draw(batch, "a", "b", "c"), draw(batch, "a", "b", "c")
    assert [bits.dim() for bits in together] == [3, *[5, 3, 3] * DROPPING.n_layers, 3]
    of_any = batch.attention_mask.any(0)
    for model, name in enumerate("abc"):
        alone = draw(batches[model], name)
        own = torch.from_numpy(batch.attention_mask[model][of_any])
        n_words, length = len(batches[model].gold), batches[model].ids.shape[1]
        for site, (ours, theirs) in enumerate(zip(together, alone, strict=True)):
            assert torch.equal(ours, first[site])
            if ours.dim() == 5:
                assert torch.equal(ours[model, ..., :length, :length], theirs[0])
            elif site < 4:
                assert ours.shape[1] == of_any.sum()
                assert torch.equal(ours[model][own], theirs[0])
            else:
                assert ours.shape[1] == batch.positions.shape[1]
                assert torch.equal(ours[model, :n_words], theirs[0])
    whole = draw(batches[0], "a")
    shares = [float(bits.mean()) for bits in whole]
    assert shares == pytest.approx([0.9 if bits.dim() == 5 else 0.8 for bits in whole], abs=0.08)
    assert not torch.equal(whole[2], whole[3])
    assert draw_for_tagger(MODEL, batch, [torch_generator("cpu", "a")], torch.float64) is None


def test_predictions_are_those_of_transformers():
    taggers, data = taggers_of((0, 1, 2)), rows("a", n=50)
    found = predict(taggers, data)
    for model, classes in enumerate(found):
        with torch.no_grad():
            theirs = of_transformers(taggers, model)(**padded(data, np.arange(50))).logits.argmax(-1).numpy()
        np.testing.assert_array_equal(classes, np.where(data.word >= 0, theirs, -100))
        assert len(np.unique(classes)) > 3
    assert any((found[0] != other).any() for other in found[1:])


def wider(data, n):
    """The same rows with more padding."""
    fill = {"ids": V.pad, "gold": -100, "word": -1}
    return replace(
        data, **{name: np.pad(getattr(data, name), ((0, 0), (0, n)), constant_values=x) for name, x in fill.items()}
    )


def test_predictions_do_not_depend_on_the_batch_its_order_or_its_padding():
    taggers, data = taggers_of((0, 1), dtype=torch.float32), rows("a", n=50)
    expected = predict(taggers, data)
    order = generator("order").permutation(50)
    shuffled = replace(data, **{name: getattr(data, name)[order] for name in ("ids", "lengths", "gold", "word")})
    for model in range(2):
        for n_rows in (1, 7, 50):
            np.testing.assert_array_equal(predict(taggers, data, n_rows)[model], expected[model])
        np.testing.assert_array_equal(predict(taggers, shuffled, 9)[model], expected[model][order])
        np.testing.assert_array_equal(predict(taggers, wider(data, 3))[model][:, :-3], expected[model])
        np.testing.assert_array_equal(predict(taggers.select([model]), data)[0], expected[model])


def test_gold_classes_are_not_looked_at():
    taggers, data = taggers_of(), rows("a")
    hidden = replace(data, gold=np.full_like(data.gold, -100))
    np.testing.assert_array_equal(predict(taggers, hidden)[0], predict(taggers, data)[0])


def test_a_row_without_words_has_no_classes():
    data = rows("a", n=3)
    empty = replace(data, word=np.where(np.arange(3)[:, None] == 1, -1, data.word))
    (found,) = predict(taggers_of(), empty)
    assert (found[1] == -100).all()
    np.testing.assert_array_equal(found[[0, 2]], predict(taggers_of(), data)[0][[0, 2]])
    (nothing,) = predict(taggers_of(), replace(data, word=np.full_like(data.word, -1)))
    assert (nothing == -100).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_model_that_diverged_has_no_predictions_and_harms_no_other(bad):
    taggers, data = taggers_of((0, 1, 2)), rows("a")
    expected = predict(taggers, data)
    taggers.weights["bert.encoder.layer.0.output.dense.bias"][1, 0] = bad
    first, second, third = predict(taggers, data)
    assert second is None
    np.testing.assert_array_equal(first, expected[0])
    np.testing.assert_array_equal(third, expected[2])


def test_predicting_leaves_no_gradients_and_changes_nothing():
    taggers = taggers_of()
    for weight in taggers.weights.values():
        weight.requires_grad_(True)
    before = {name: weight.detach().clone() for name, weight in taggers.weights.items()}
    predict(taggers, rows("a"))
    assert all(weight.grad is None for weight in taggers.weights.values())
    assert largest_difference(taggers.weights, before) == 0.0


def test_rows_that_the_models_cannot_read_are_refused():
    taggers, data = taggers_of(), rows("a")
    with pytest.raises(
        UsageError, match=r"a row of 17 pieces, but the models have 16 positions\. .* at most 16 pieces"
    ):
        predict(taggers, replace(data, lengths=np.maximum(data.lengths, 17)))
    ids = data.ids.copy()
    ids[2, 1] = 40
    with pytest.raises(UsageError, match="piece 40, but the models know the pieces 0 to 39"):
        predict(taggers, replace(data, ids=ids))
    ids[2, 1] = -7
    with pytest.raises(UsageError, match="piece -7"):
        predict(taggers, replace(data, ids=ids))
    assert taggers.weights[WORDS].shape[1] == 40


SETTINGS = FinetuneSettings(epochs=3, batch_size=4, length=16)


def test_an_epoch_reads_every_row_that_has_a_label_once():
    data = rows("a", n=11)
    gold = data.gold.copy()
    gold[[2, 7]] = -100
    reading = TaggingReading(replace(data, gold=gold), "pos", "de", SETTINGS, seed=0)
    assert (reading.updates_an_epoch, reading.n_updates) == (3, 9)
    read = [reading.rows(update) for update in range(9)]
    assert [len(one) for one in read] == [4, 4, 1] * 3
    epochs = [np.concatenate(read[start : start + 3]) for start in (0, 3, 6)]
    for epoch in epochs:
        assert sorted(epoch) == [0, 1, 3, 4, 5, 6, 8, 9, 10]
    assert {tuple(epoch) for epoch in epochs} == {tuple(epoch) for epoch in epochs[:3]}
    assert len({tuple(sorted(one)) for one in read[:2] + read[3:5]}) == 4  # other batches in the next epoch
    assert reading.tokens.tolist() == np.cumsum([0, *(int(data.lengths[one].sum()) for one in read)]).tolist()


def test_the_order_comes_from_seed_task_and_language():
    def order(task="pos", language="de", seed=0, data=None):
        reading = TaggingReading(rows("a") if data is None else data, task, language, SETTINGS, seed)
        return [sorted(reading.rows(update).tolist()) for update in range(reading.n_updates)]

    assert order() == order()
    assert order() != order(seed=1)
    assert order() != order(task="ner")
    assert order() != order(language="fi")


def test_a_batch_holds_its_rows_longest_first_and_empty_rows_to_fill_it():
    data = rows("a", n=5)
    reading = TaggingReading(data, "pos", "de", SETTINGS, seed=0)
    whole, last = reading.batch(0), reading.batch(1)
    assert (np.diff(data.lengths[reading.rows(0)]) <= 0).all()
    for batch, chosen in ((whole, reading.rows(0)), (last, reading.rows(1))):
        width = batch.ids.shape[1]
        assert batch.ids.shape == (4, data.lengths[chosen].max())
        row, position = np.divmod(batch.positions, width)
        np.testing.assert_array_equal(batch.gold, data.gold[chosen[row], position])
        assert len(batch.gold) == (data.gold[chosen] >= 0).sum()
        np.testing.assert_array_equal(batch.ids[: len(chosen)], data.ids[chosen, :width])
    assert last.attention_mask.sum(1).tolist() == [int(data.lengths[reading.rows(1)[0]]), 1, 1, 1]
