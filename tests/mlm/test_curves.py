"""Loss curves: where their points are, what they say, and that their loss is the one of transformers."""

import numpy as np
import pytest
import torch

from bloodbank.mlm.curves import Curve, DevText, convergence, n_dev_rows
from bloodbank.mlm.reading import Reading
from bloodbank.mlm.sequences import make_sequences
from bloodbank.mlm.training import train
from made_up import DROPPING, RECIPE, V, reading, stack, text
from tests_reference import reference_model


@pytest.mark.parametrize("n", [1, 2, 3, 5, 30, 1_000])
@pytest.mark.parametrize("n_pieces", [15, 300, 3_000])
def test_points_begin_at_zero_end_at_the_last_update_and_are_at_most_one_more(n, n_pieces):
    one = reading("x-a", n_pieces=n_pieces, layout="rows")
    points = one.curve_points(n)
    assert points[0] == 0
    assert points[-1] == one.n_updates
    assert len(points) <= n + 1
    assert (np.diff(points) > 0).all()
    assert points.dtype.kind == "i"


def test_points_are_log_spaced_in_tokens():
    one = reading("x-a", n_pieces=30_000, epochs=3)
    points = one.curve_points(10)
    assert len(points) == 11
    steps = np.diff(np.log(one.tokens[points[1:]]))
    wanted = np.log(one.tokens[-1] / one.tokens[1]) / 9
    assert steps[3:] == pytest.approx(np.full(len(steps) - 3, wanted), rel=0.1)  # early ones are rounded to updates
    assert len(one.curve_points(0)) == 0


def test_curves_have_the_points_of_their_reading_and_the_tokens_read_then():
    readings = [reading("x-a", n_pieces=100), reading("x-b", n_pieces=300)]
    dev = {name: DevText(text(f"dev {name}"), name, 0.15, 8) for name in ("x-a", "x-b")}
    made = train(stack((0, 1), DROPPING), readings, RECIPE, dev=dev)
    for name, one, what in zip(dev, made, readings, strict=True):
        assert one.curve.updates == what.curve_points(RECIPE.curve_points).tolist()
        assert one.curve.tokens == what.tokens[one.curve.updates].tolist()
        assert list(one.curve.loss) == [name]
        assert len(one.curve.loss[name]) == len(one.curve.updates)
    assert made[0].curve.updates[-1] < made[1].curve.updates[-1]


def test_measuring_curves_changes_no_weights():
    what = [reading("x-a", n_pieces=100), reading("x-b", n_pieces=200)]
    dev = {name: DevText(text(f"dev {name}"), name, 0.15, 8) for name in ("x-a", "x-b")}
    watched, alone = stack((0, 1), DROPPING), stack((0, 1), DROPPING)
    train(watched, what, RECIPE, dev=dev)
    train(alone, what, RECIPE)
    for name, weight in watched.weights.items():
        assert torch.equal(weight, alone.weights[name])


def test_no_points_no_curve():
    recipe = RECIPE.model_copy(update={"curve_points": 0})
    (made,) = train(stack(), [reading("x-a", recipe=recipe)], recipe, dev={"x-a": DevText(text("dev"), "x-a", 0.15, 8)})
    assert made.curve == Curve()


def hugging_face_loss(models, batches, index):
    """Nats a masked piece, of all batches."""
    model = reference_model(models, V, index).eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            ids = torch.from_numpy(batch.ids)
            present = torch.ones(ids.shape) if batch.attention_mask is None else torch.from_numpy(batch.attention_mask)
            labels = torch.full(ids.shape, -100)
            labels.view(-1)[batch.positions] = torch.from_numpy(batch.gold)
            total += model(input_ids=ids, attention_mask=present.long(), labels=labels).loss.item() * len(batch.gold)
            count += len(batch.gold)
    return total / count


@pytest.mark.parametrize("layout", ["packed", "rows"])
def test_dev_loss_equals_that_of_transformers_on_the_same_masks(layout):
    models = stack((0, 1, 2), DROPPING)
    rows = text("dev", n_pieces=800, layout=layout)
    dev = DevText(rows, "x-a", 0.15, 10_000)
    assert len(dev.batches) > 2
    assert sum(len(batch.ids) for batch in dev.batches) == rows.n_rows
    assert dev.n_masked == sum(len(batch.gold) for batch in dev.batches)
    assert dev.n_masked == pytest.approx(0.15 * rows.all_rows().maskable.sum(), rel=0.3)
    for batch in dev.batches:
        assert (batch.ids.reshape(-1)[batch.positions] == V.mask).all()
    for index, loss in enumerate(dev.losses(models)):
        assert loss == pytest.approx(hugging_face_loss(models, dev.batches, index), rel=1e-9)


def test_the_last_point_of_a_curve_is_the_loss_of_the_trained_model():
    readings = [reading("x-a", n_pieces=60), reading("x-b", n_pieces=200)]
    dev = {name: DevText(text(f"dev {name}"), name, 0.15, 8) for name in ("x-a", "x-b")}
    models = stack((0, 1), DROPPING)
    before = [dev[name].losses(models)[index] for index, name in enumerate(dev)]
    made = train(models, readings, RECIPE, dev=dev)
    for index, name in enumerate(dev):
        assert made[index].curve.loss[name][0] == pytest.approx(before[index], rel=1e-12)
        expected = hugging_face_loss(models, dev[name].batches, index)
        assert made[index].curve.loss[name][-1] == pytest.approx(expected, rel=1e-8)


def test_a_mixture_is_followed_on_each_of_its_languages():
    both = Reading({name: text(name) for name in ("x-b", "x-a")}, RECIPE, 1, 0)
    dev = {name: DevText(text(f"dev {name}"), name, 0.15, 8) for name in ("x-a", "x-b")}
    (made, alone) = train(stack((0, 1)), [both, reading("x-a")], RECIPE, dev=dev)
    assert sorted(made.curve.loss) == ["x-a", "x-b"]
    assert {len(losses) for losses in made.curve.loss.values()} == {len(made.curve.updates)}
    assert list(alone.curve.loss) == ["x-a"]


@pytest.mark.parametrize("n_rows", [1, 2, 40])
def test_however_little_dev_text_there_is_it_has_a_loss(n_rows):
    """Of one short row the first round of masks may mask nothing."""
    models, failed = stack(), []
    for number in range(40):
        rows = text(f"dev {number}", n_pieces=10 * n_rows)
        try:
            dev = DevText(rows, f"x-{number}", 0.15, n_rows)
            (loss,) = dev.losses(models)
        except RuntimeError as error:
            failed.append((number, str(error)))
            continue
        assert dev.n_masked == sum(len(batch.gold) for batch in dev.batches) > 0
        assert loss == pytest.approx(hugging_face_loss(models, dev.batches, 0), rel=1e-9)
    assert failed == []


def test_masks_of_dev_text_belong_to_the_language_and_to_no_number_of_rows():
    few, many, again, other = (
        DevText(text("dev", n_pieces=600), language, 0.15, n_rows)
        for language, n_rows in (("x-a", 20), ("x-a", 40), ("x-a", 40), ("x-b", 40))
    )
    assert np.array_equal(many.batches[0].positions, again.batches[0].positions)
    assert not np.array_equal(many.batches[0].positions, other.batches[0].positions)
    n = len(few.batches[0].positions)
    assert np.array_equal(few.batches[0].positions, many.batches[0].positions[:n])


def test_a_row_of_unknown_pieces_alone_stops_nothing():
    """Dev text whose first paragraph the tokenizer does not know; as few rows as a small experiment follows."""
    ids = np.concatenate([np.full(5, V.unk), np.arange(5, 25)])
    rows = make_sequences(ids, np.array([0, 5, 15, 25]), V, "rows", 12)
    dev = DevText(rows, "x-a", 0.15, 1)
    losses = dev.losses(stack((0, 1)))
    assert len(losses) == 2


def curve(*losses, tokens=None):
    tokens = list(range(0, 100 * len(losses), 100)) if tokens is None else tokens
    return Curve(list(range(len(losses))), tokens, {"x-a": list(losses)})


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (curve(5.0, 4.0, 3.0, 2.0, 1.0), "falling"),  # a quarter of the fall in the last quarter
        (curve(5.0, 2.0, 1.2, 1.0, 1.0), "converged"),
        (curve(5.0, 2.0, 1.2, 1.04, 1.0), "converged"),  # 1% of the fall
        (curve(5.0, 2.0, 1.5, 1.21, 1.0), "falling"),  # 5.25%
        (curve(5.0, 2.0, 1.5, 1.19, 1.0), "converged"),  # 4.75%
        (curve(5.0, 2.0, 1.0, 1.1, 1.21), "rising"),  # 5.25% up from the lowest point
        (curve(5.0, 2.0, 1.0, 1.1, 1.19), "converged"),
        (curve(5.0, 6.0, 7.0, 8.0), "rising"),
        (curve(5.0, 5.0, 5.0, 5.0), "converged"),
        (curve(5.0, 4.0), ""),
        (curve(), ""),
        (curve(5.0, None, 3.0, 2.0, 1.0), ""),
        # Between points the loss is on the straight line: at 75 of 100 tokens it is 3, and 2 of 9 still come.
        (curve(10.0, 5.0, 1.0, tokens=[0, 50, 100]), "falling"),
        (curve(10.0, 1.1, 1.0, tokens=[0, 50, 100]), "converged"),
    ],
)
def test_convergence_of_curves_made_by_hand(what, expected):
    assert convergence(what, "x-a") == expected
    assert convergence(what, "x-other") == ""


def test_losses_that_are_not_finite_are_none():
    one = Curve()
    one.add(0, 0, {"x-a": 2.0, "x-b": float("nan")})
    one.add(3, 9, {"x-a": float("inf"), "x-b": 1.0})
    assert one == Curve([0, 3], [0, 9], {"x-a": [2.0, None], "x-b": [None, 1.0]})


def test_rows_of_dev_text_cost_three_percent_of_the_training():
    n_rows = n_dev_rows(10_000, 4, 30)
    forward = n_rows * 31 / 3  # rows in updates' worth of work
    assert forward == pytest.approx(0.03 * 4 * 10_000, rel=0.01)
    assert n_dev_rows(1, 1, 30) == 1
