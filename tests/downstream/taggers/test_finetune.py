"""Fine-tuning against a plain loop with transformers' model, gangs against runs alone, and what a seed settles."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from transformers import get_linear_schedule_with_warmup

from bloodbank.downstream.taggers import finetune as finetuning
from bloodbank.downstream.taggers.alignment import encode, to_labels
from bloodbank.downstream.taggers.batches import TaggingReading
from bloodbank.downstream.taggers.finetune import Source, SourceDev, finetune
from bloodbank.downstream.taggers.model import class_losses, predict, with_classifier
from bloodbank.downstream.tasks.pos_and_ner import get_task
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import FinetuneSettings
from bloodbank.experiment.settings import TokenizerSettings
from bloodbank.mlm.candidates import Candidates
from bloodbank.mlm.shapes import WORDS
from bloodbank.mlm.weights import new_stack
from bloodbank.tokenizer import Vocabulary, load_tokenizer, train_tokenizer
from made_up_rows import (
    DROPPING,
    MODEL,
    N_CLASSES,
    RECIPE,
    V,
    encoders,
    largest_difference,
    of_transformers,
    padded,
    rows,
)
from shared_data import shared_data


def source(name="a", seed=0, **of_rows):
    return Source("pos", f"x-{name}", rows(name, **of_rows), seed)


def run(stack, sources, settings=RECIPE, **more):
    """Fine-tune with the dropout that the encoders name."""
    settings = settings.model_copy(update={"dropout": stack.settings.dropout})
    return finetune(stack, sources, settings, n_classes=N_CLASSES, **more)


def losses_of_every_update(monkeypatch):
    """Note the losses of each update. Shape: [n_updates] of [K]."""
    told = []

    def recorded(*arguments):
        losses = class_losses(*arguments)
        told.append(losses.detach().tolist())
        return losses

    monkeypatch.setattr(finetuning, "class_losses", recorded)
    return told


def plain_loop(model, data, settings, seed, name):
    """Train transformers' model as its users do; return the loss of every update."""
    decayed = [w for name, w in model.named_parameters() if not ("bias" in name or "LayerNorm.weight" in name)]
    others = [w for name, w in model.named_parameters() if "bias" in name or "LayerNorm.weight" in name]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, settings.beta2), eps=1e-8)
    reading = TaggingReading(data, "pos", name, settings, seed)
    n_warmup = round(settings.warmup_share * reading.n_updates)
    schedule = get_linear_schedule_with_warmup(adam, n_warmup, reading.n_updates)
    losses = []
    for update in range(reading.n_updates):
        # In ascending order: that of the rows of a batch must not matter.
        loss = model(**padded(data, np.sort(reading.rows(update)))).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        adam.step()
        schedule.step()
        adam.zero_grad()
        losses.append(loss.item())
    return losses


CHANGES = [
    {},
    {"weight_decay": 0.1},
    {"clip_norm": 0.05},
    {"beta2": 0.9, "learning_rate": 3e-3},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_losses_and_logits_are_those_of_a_plain_loop_with_transformers(monkeypatch, dtype, tolerance, changes):
    recipe = RECIPE.model_copy(update=changes)
    data = rows("a", n=18)  # 4 epochs of 5 batches, of which the last has 2 rows
    told = losses_of_every_update(monkeypatch)
    stack = encoders((0,), dtype=dtype)
    theirs = of_transformers(with_classifier(stack, N_CLASSES, [3]))
    ours = run(stack, [Source("pos", "x-a", data, 3)], recipe).taggers
    expected = plain_loop(theirs, data, recipe, seed=3, name="x-a")
    assert len(expected) == 20
    assert np.abs(np.array(told)[:, 0] - expected).max() < tolerance
    inputs = padded(rows("b", n=9), np.arange(9))
    with torch.no_grad():
        logits = [model(**inputs).logits for model in (of_transformers(ours), theirs.eval())]
    assert (logits[0] - logits[1]).abs().max() < tolerance
    untrained = of_transformers(with_classifier(stack, N_CLASSES, [3]))(**inputs).logits
    assert (untrained - logits[1]).abs().max() > 0.1


def test_the_rate_rises_where_a_warm_up_is_asked_for(monkeypatch):
    """Small enough a rise: transformers' begins at 0, ours one step above it, so the first update tells them apart."""
    recipe = RECIPE.model_copy(update={"warmup_share": 0.5})
    told, flat = losses_of_every_update(monkeypatch), []
    run(encoders(), [source()], recipe)
    rising = [one for (one,) in told]
    told.clear()
    run(encoders(), [source()])
    flat = [one for (one,) in told]
    assert rising[0] == flat[0]
    assert abs(rising[1] - rising[0]) < abs(flat[1] - flat[0])


GANGS = {
    "the same batches": [("a", 0, 18), ("a", 0, 18), ("a", 0, 18)],
    "each its own": [("a", 0, 18), ("b", 1, 7), ("a", 1, 30)],  # they leave one after the other
}


@pytest.mark.parametrize("kind", GANGS)
@pytest.mark.parametrize("settings", [MODEL, DROPPING], ids=["no dropout", "dropout"])
@pytest.mark.parametrize("select", ["final", "best_on_source_dev"])
def test_a_gang_of_three_equals_three_runs_in_float64(kind, settings, select):
    recipe = RECIPE.model_copy(update={"select": select})
    made = {}
    for name, seed, n in GANGS[kind]:
        dev = SourceDev(rows(f"dev {name}"), right_in(f"dev {name}"))
        made.setdefault((name, seed, n), replace(source(name, seed, n=n), dev=dev))
    sources = [made[key] for key in GANGS[kind]]
    together = run(encoders((0, 1, 2), settings), sources, recipe)
    assert len({one.updates for one in together.trainings}) == (1 if kind == "the same batches" else 3)
    for model, own in enumerate(sources):
        alone = run(encoders((model,), settings), [own], recipe)
        assert largest_difference(together.taggers.weights, alone.taggers.weights, model) < 1e-9
        assert together.trainings[model].loss == pytest.approx(alone.trainings[0].loss, rel=1e-6)
        assert together.trainings[model].tokens_seen == alone.trainings[0].tokens_seen
        assert together.dev_scores[model] == alone.dev_scores[0]
        assert together.epochs[model] == alone.epochs[0]
    assert largest_difference(together.taggers.weights, together.taggers.weights, 0, 1) > 0.01


def right_in(name):
    """Score: the share of words that are right."""
    gold = rows(name).gold
    return lambda classes: float((classes == gold)[gold >= 0].mean())


@pytest.mark.parametrize("settings", [MODEL, DROPPING], ids=["no dropout", "dropout"])
def test_a_repetition_is_equal_to_the_last_bit_and_another_seed_is_not(settings):
    first, again, other = (
        run(encoders((0,), settings, torch.float32), [source(seed=seed)]).taggers.weights for seed in (0, 0, 1)
    )
    assert largest_difference(first, again) == 0.0
    assert largest_difference(first, other) > 1e-3


def test_the_seed_settles_dropout_too(monkeypatch):
    """With one row there is no order: only the classifier's weights and dropout differ between seeds."""
    told = losses_of_every_update(monkeypatch)
    monkeypatch.setattr(finetuning, "with_classifier", lambda stack, n, _seeds: with_classifier(stack, n, [0]))
    one = rows("a", n=1)
    for seed in (0, 0, 1):
        run(encoders((0,), DROPPING), [Source("pos", "x-a", one, seed)], RECIPE.model_copy(update={"epochs": 1}))
    assert told[0] == told[1] != told[2]


def test_dropout_is_the_recipe_s_and_not_that_of_pretraining():
    recipe = RECIPE.model_copy(update={"dropout": 0.2})
    bare, dropping = MODEL, MODEL.model_copy(update={"dropout": 0.2})
    one, same, without = (
        finetune(encoders((0,), model), [source()], how, n_classes=N_CLASSES).taggers
        for model, how in ((bare, recipe), (dropping, recipe), (dropping, recipe.model_copy(update={"dropout": 0.0})))
    )
    assert largest_difference(one.weights, same.weights) == 0.0
    assert largest_difference(one.weights, without.weights) > 1e-3


def test_encoders_of_one_seed_are_paired():
    """Trained side by side on one source, or on equal sources one after the other: the same batches and bits."""
    together = run(encoders((0, 1), DROPPING), [source()] * 2)
    apart = [run(encoders((model,), DROPPING), [source()]) for model in (0, 1)]
    for model in (0, 1):
        assert largest_difference(together.taggers.weights, apart[model].taggers.weights, model) < 1e-9


def test_training_teaches_and_weights_that_were_given_stay():
    given = encoders((0, 1))
    before = {name: weight.clone() for name, weight in given.weights.items()}
    data = rows("a", n=60)
    done = run(given, [Source("pos", "x-a", data, 0)] * 2, RECIPE.model_copy(update={"epochs": 20}))
    words = data.gold >= 0
    for classes in predict(done.taggers, data):
        assert (classes == data.gold)[words].mean() > 0.9
    held_out = rows("b", n=60)  # the class is a function of the piece
    for classes in predict(done.taggers, held_out):
        assert (classes == held_out.gold)[held_out.gold >= 0].mean() > 0.8
    assert not any(weight.requires_grad for weight in given.weights.values())
    assert all(torch.equal(weight, before[name]) for name, weight in given.weights.items())
    assert not any(weight.requires_grad for weight in done.taggers.weights.values())
    assert done.trainings[0].loss < 0.5
    assert done.epochs == (20, 20)
    assert done.dev_scores == ((), ())


def test_random_weights_of_a_seed_are_the_baseline():
    """What new_stack makes is fine-tuned as any other encoder; the same seed gives the same baseline."""

    def baseline(seed):
        return run(new_stack(MODEL, V.size, (seed,), V.pad), [source(seed=seed)]).taggers.weights

    assert largest_difference(baseline(0), baseline(0)) == 0.0
    assert largest_difference(baseline(0), baseline(1)) > 1e-3


def test_pieces_that_are_not_read_are_neither_computed_nor_changed(monkeypatch):
    known = rows("a", vocabulary=Vocabulary(20, 0, 1, 2, 3, 4))
    narrow = run(encoders((0, 1)), [Source("pos", "x-a", known, 0)] * 2)
    monkeypatch.setattr(finetuning, "_pieces", lambda *_: Candidates(np.arange(V.size), V.size))
    whole = run(encoders((0, 1)), [Source("pos", "x-a", known, 0)] * 2)
    for model in (0, 1):
        assert largest_difference(narrow.taggers.weights, whole.taggers.weights, model, model) < 1e-12
    words, before = narrow.taggers.weights[WORDS], encoders((0, 1)).weights[WORDS]
    unread = np.setdiff1d(np.arange(V.size), known.ids)
    assert set(range(20, 40)) <= set(unread.tolist())
    assert torch.equal(words[:, unread], before[:, unread])
    assert torch.equal(whole.taggers.weights[WORDS][:, unread], before[:, unread])
    assert (words - before).abs().max() > 0.01


def test_pieces_that_are_not_read_decay_with_the_others():
    """By the sum of all rates times the decay: (1 − r₁·d)(1 − r₂·d)…, as AdamW has it."""
    known = rows("a", vocabulary=Vocabulary(20, 0, 1, 2, 3, 4))
    recipe = RECIPE.model_copy(update={"weight_decay": 0.5})
    done = run(encoders(), [Source("pos", "x-a", known, 0)], recipe)
    rates = 1e-2 * np.arange(20, 0, -1) / 20
    expected = encoders().weights[WORDS][:, 20:] * np.prod(1.0 - rates * 0.5)
    assert (done.taggers.weights[WORDS][:, 20:] - expected).abs().max() < 1e-12


def scripted(scores, seen):
    """A score that follows a list, whatever is predicted, and notes what was."""
    following = iter(scores)

    def score(classes):
        seen.append(classes)
        return next(following)

    return score


@pytest.mark.parametrize(
    ("scores", "best"), [([0.1, 0.9, 0.9, 0.3], 2), ([0.5, 0.4, 0.3, 0.2], 1), ([0.1, 0.2, 0.3, 0.4], 4)]
)
def test_the_weights_of_the_best_epoch_on_source_dev_are_kept(scores, best):
    seen, dev = [], rows("dev", n=60)
    recipe = RECIPE.model_copy(update={"select": "best_on_source_dev"})
    own = replace(source(n=17), dev=SourceDev(dev, scripted(scores, seen)))
    done = run(encoders(), [own], recipe)
    assert done.dev_scores == (tuple(scores),)
    assert done.epochs == (best,)
    (classes,) = predict(done.taggers, dev)
    same = [bool((classes == one).all()) for one in seen]
    assert same == [epoch == best for epoch in range(1, 5)]
    final = run(encoders(), [own])
    assert (predict(final.taggers, dev)[0] == seen[-1]).all()


def test_each_model_of_a_gang_keeps_its_own_best_epoch():
    recipe = RECIPE.model_copy(update={"select": "best_on_source_dev"})
    first, second = ([], [])
    sources = [
        replace(source("a", n=9), dev=SourceDev(rows("dev a"), scripted([4, 3, 2, 1], first))),
        replace(source("b", n=18), dev=SourceDev(rows("dev b"), scripted([1, 2, 4, 3], second))),
    ]
    done = run(encoders((0, 1)), sources, recipe)
    assert done.epochs == (1, 3)
    assert (predict(done.taggers, rows("dev a"))[0] == first[0]).all()
    assert (predict(done.taggers, rows("dev b"))[1] == second[2]).all()


@pytest.mark.parametrize("select", ["final", "best_on_source_dev"])
def test_an_encoder_that_is_not_finite_fails_alone(select):
    recipe = RECIPE.model_copy(update={"select": select})
    own = replace(source(), dev=SourceDev(rows("dev"), right_in("dev")))
    stack = encoders((0, 1))
    stack.weights["bert.encoder.layer.1.output.dense.weight"][0, 0, 0] = float("nan")
    done = run(stack, [own, own], recipe)
    alone = run(encoders((1,)), [own], recipe)
    assert [one.diverged for one in done.trainings] == [True, False]
    assert done.trainings[0].loss is None
    assert largest_difference(done.taggers.weights, alone.taggers.weights, 1) < 1e-9
    assert predict(done.taggers, rows("dev"))[0] is None
    if select == "best_on_source_dev":
        assert done.dev_scores == ((None,) * 4, alone.dev_scores[0])


def test_what_is_interrupted_leaves_nothing_and_is_done_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given, told = encoders(), []
    before = {name: weight.clone() for name, weight in given.weights.items()}

    def interrupt(*_):
        told.append(None)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(given, [source()], report=interrupt)
    assert all(torch.equal(weight, before[name]) for name, weight in given.weights.items())
    assert not list(tmp_path.iterdir())
    again, whole = run(given, [source()]), run(encoders(), [source()])
    assert largest_difference(again.taggers.weights, whole.taggers.weights) == 0.0


def test_progress_counts_the_updates_and_tokens_of_all_models():
    told, own = [], source()
    run(encoders((0, 1)), [own] * 2, report=lambda updates, tokens: told.append((updates, tokens)))
    assert [sum(column) for column in zip(*told, strict=True)] == [2 * 20, 2 * 4 * int(own.train.lengths.sum())]


def test_bfloat16_stays_near_float32():
    recipe = RECIPE.model_copy(update={"dtype": "bfloat16"})
    low, high = (
        run(encoders((0,), DROPPING, torch.float32), [source(n=40)], one).trainings[0].loss for one in (recipe, RECIPE)
    )
    assert low != high
    assert low == pytest.approx(high, rel=0.1)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_rows_are_a_batch_smaller_than_asked_for(n):
    data = rows("a", n=n, longest=3)
    done = run(encoders((0, 1)), [Source("pos", "x-a", data, 0)] * 2, RECIPE.model_copy(update={"batch_size": 64}))
    assert done.trainings[0].updates == 4
    assert done.trainings[0].tokens_seen == 4 * int(data.lengths.sum())


def test_a_tagger_of_a_treebank_beats_its_most_frequent_tag(tmp_path):
    """German UD from text to scores; a fresh encoder, so that what it knows it has from fine-tuning."""
    folder, task = shared_data("ud"), get_task("pos")
    train, test = (task.read(folder, "de", split).sentences[:300] for split in ("train", "test"))
    texts = [" ".join(sentence.words) for sentence in train]
    train_tokenizer(lambda: texts, TokenizerSettings(vocab_size=1_500), tmp_path)
    tokenizer, vocabulary = load_tokenizer(tmp_path)
    rows_of_train, rows_of_test = (encode(part, task.labels, tokenizer, vocabulary) for part in (train, test))
    model = MODEL.model_copy(update={"hidden_size": 32, "feed_forward_size": 64, "n_positions": 128})
    encoder = new_stack(model, vocabulary.size, (0, 1), vocabulary.pad)
    recipe = FinetuneSettings(epochs=6, learning_rate=5e-3)
    sources = [Source("pos", "de", rows_of_train, 0)] * 2
    done = finetune(encoder, sources, recipe, n_classes=len(task.labels))
    gold = [sentence.labels for sentence in test]
    tags = Counter(tag for sentence in train for tag in sentence.labels)
    (most_frequent, _), *_ = tags.most_common()
    floor = task.scores(gold, [(most_frequent,) * len(labels) for labels in gold])["accuracy"]
    for classes in predict(done.taggers, rows_of_test):
        predicted = to_labels(rows_of_test, classes, task.labels)
        assert [len(one) for one in predicted] == [len(sentence.words) for sentence in test]
        assert task.scores(gold, predicted)["accuracy"] > 2 * floor


def refused(match, sources=None, settings=RECIPE, stack=None):
    with pytest.raises(UsageError, match=match):
        run(stack or encoders(), sources or [source()], settings)


def test_what_cannot_be_trained_on_is_refused_by_name_before_anything_is_computed():
    data = rows("a")
    refused(r"2 sources for 1 encoders\. Give one for each", [source()] * 2)
    refused(r"Two sources are pos x-a, seed 0\. Give the same object", [source(), source()], stack=encoders((0, 1)))
    refused(
        r"pos x-a, training text: a row of 14 pieces, but length = 8\. .* at most 8 pieces",
        settings=RECIPE.model_copy(update={"length": 8}),
    )
    short = MODEL.model_copy(update={"n_positions": 8})
    refused(r"pos x-a, training text: a row of 14 pieces, but the models have 8 positions", stack=encoders((0,), short))
    for wrong in (5, 17, -1):
        gold = np.where(data.gold == 3, wrong, data.gold)
        refused(
            rf"pos x-a, training text: class {wrong}, but the task has 5 classes, 0 to 4",
            [Source("pos", "x-a", replace(data, gold=gold), 0)],
        )
    nothing = replace(data, gold=np.full_like(data.gold, -100))
    refused("pos x-a, training text: none of 18 rows has a label", [Source("pos", "x-a", nothing, 0)])
    empty = replace(data, **{name: getattr(data, name)[:0] for name in ("ids", "lengths", "gold", "sentence", "word")})
    refused("pos x-a, training text: none of 0 rows has a label", [Source("pos", "x-a", empty, 0)])
    best = RECIPE.model_copy(update={"select": "best_on_source_dev"})
    refused('pos x-a: select = "best_on_source_dev", but the source has no dev text', settings=best)
    ids = np.where(data.ids == 7, 99, data.ids)
    own = replace(source(), dev=SourceDev(replace(data, ids=ids), right_in("a")))
    refused("pos x-a, dev text: piece 99, but the models know the pieces 0 to 39", [own], best)


def test_the_defaults_are_those_of_xtreme():
    """scripts/train_udpos.sh (8 rows, 4 times accumulated), third_party/run_tag.py."""
    assert FinetuneSettings().model_dump() == {
        "epochs": 10, "batch_size": 8 * 4, "length": 128, "learning_rate": 2e-5, "warmup_share": 0.0,
        "dropout": 0.1, "weight_decay": 0.0, "beta2": 0.999, "clip_norm": 1.0, "dtype": "float32", "select": "final",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0}, {"batch_size": -1}, {"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"length": 2},
        {"select": "best"}, {"dtype": "float16"}, {"clip_norm": 0.0}, {"warmup_share": 1.0}, {"lr": 1e-3},
    ],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        FinetuneSettings(**wrong)
