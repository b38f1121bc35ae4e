"""The models against transformers' BERT, and K models against one at a time."""

import numpy as np
import pytest
import torch

from bloodbank.experiment.load import ModelSettings, TrainingSettings
from bloodbank.mlm.files import load_models, save_model
from bloodbank.mlm.gang import mlm_losses, step
from bloodbank.mlm.masking import MaskedRows
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.optimiser import StackedOptimiser
from bloodbank.mlm.weights import new_stack
from bloodbank.randomness import generator, torch_generator
from bloodbank.tokenizer import Vocabulary
from tests_reference import reference_model

VOCABULARY = Vocabulary(90, pad=0, unk=1, cls=2, sep=3, mask=4)
SMALL = ModelSettings(n_layers=2, n_heads=2, hidden_size=16, feed_forward_size=24, n_positions=12, dropout=0.0)


def reference(stack: BertStack, index: int = 0):
    return reference_model(stack, VOCABULARY, index)


def rows(seed: int, n_rows: int = 5, length: int = 12) -> MaskedRows:
    random = generator("test rows", seed)
    ids = random.integers(5, 90, size=(n_rows, length))
    mask = random.random((n_rows, length)) < 2
    mask[1, 7:] = False
    ids[1, 7:] = VOCABULARY.pad
    # One in the row with padding, the others anywhere in the text.
    rest = [p for p in range(n_rows * length) if mask.reshape(-1)[p] and p != 13]
    positions = np.append(random.choice(rest, size=8, replace=False), 13)
    gold = ids.reshape(-1)[positions].copy()
    ids.reshape(-1)[positions] = VOCABULARY.mask
    return MaskedRows(ids, mask, positions, gold)


def in_float64(stack: BertStack) -> BertStack:
    return BertStack(stack.settings, {name: weight.double() for name, weight in stack.weights.items()})


def test_logits_equal_those_of_transformers():
    stack = new_stack(SMALL, 90, (3,), 0)
    batch = rows(0)
    ids, mask = torch.from_numpy(batch.ids), torch.from_numpy(batch.attention_mask)
    theirs = reference(stack)(input_ids=ids, attention_mask=mask.long()).logits.flatten(0, 1)[batch.positions]
    ours = stack.logits_at(ids[None], torch.from_numpy(batch.positions)[None], mask[None])[0]
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_loss_and_gradients_equal_those_of_transformers_in_float64():
    stack = in_float64(new_stack(SMALL, 90, (3, 4), 0))
    batch = rows(0)
    labels = torch.full((5, 12), -100)
    labels.view(-1)[batch.positions] = torch.from_numpy(batch.gold)
    for weight in stack.weights.values():
        weight.requires_grad_(True)
    losses = mlm_losses(stack, batch)
    losses.sum().backward()
    for model in range(2):
        theirs = reference(stack, model)
        ids, mask = torch.from_numpy(batch.ids), torch.from_numpy(batch.attention_mask).long()
        loss = theirs(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.testing.assert_close(losses[model].detach(), loss.detach(), atol=1e-12, rtol=1e-12)
        expected = dict(theirs.named_parameters())
        for name, weight in stack.weights.items():
            torch.testing.assert_close(weight.grad[model], expected[name].grad, atol=1e-12, rtol=1e-9, msg=name)


def test_ten_steps_equal_those_of_transformers_in_float64():
    recipe = TrainingSettings(learning_rate=3e-3, weight_decay=0.1, clip_norm=0.5, dtype="float32")
    stack = in_float64(new_stack(SMALL, 90, (3,), 0))
    model = reference(stack)
    decayed = [p for n, p in model.named_parameters() if not (n.endswith("bias") or "LayerNorm" in n)]
    others = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    theirs = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=3e-3, betas=(0.9, 0.98)
    )
    ours = StackedOptimiser(stack, recipe)
    for number in range(10):
        batch = rows(number)
        labels = torch.full((5, 12), -100)
        labels.view(-1)[batch.positions] = torch.from_numpy(batch.gold)
        loss = model(
            input_ids=torch.from_numpy(batch.ids),
            attention_mask=torch.from_numpy(batch.attention_mask).long(),
            labels=labels,
        ).loss
        theirs.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        theirs.step()
        own = step(stack, batch, ours, recipe, [torch_generator("cpu", 0)])
        torch.testing.assert_close(own[0], loss.detach(), atol=1e-9, rtol=1e-9)
    expected = dict(model.named_parameters())
    for name, weight in stack.weights.items():
        torch.testing.assert_close(weight[0].detach(), expected[name].detach(), atol=1e-7, rtol=1e-7)


def test_four_models_in_one_stack_equal_four_alone():
    settings = SMALL.model_copy(update={"dropout": 0.2, "attention_dropout": 0.1})
    recipe = TrainingSettings(learning_rate=3e-3, clip_norm=0.05, dtype="float32")
    together = in_float64(new_stack(settings, 90, (1, 2, 3, 4), 0))
    alone = [in_float64(new_stack(settings, 90, (seed,), 0)) for seed in (1, 2, 3, 4)]
    stacks = [together, *alone]
    optimisers = [StackedOptimiser(stack, recipe) for stack in stacks]
    for number in range(5):
        for stack, optimiser in zip(stacks, optimisers, strict=True):
            step(stack, rows(number), optimiser, recipe, [torch_generator("cpu", "bits", number)])
    for name, weight in together.weights.items():
        for index, stack in enumerate(alone):
            torch.testing.assert_close(weight[index], stack.weights[name][0], atol=1e-10, rtol=1e-10)


def test_padding_and_other_models_do_not_leak():
    stack = in_float64(new_stack(SMALL, 90, (1, 2), 0))
    batch = rows(0)
    before = mlm_losses(stack, batch)
    batch.ids[1, 9] = 77  # a padded place
    assert torch.equal(mlm_losses(stack, batch), before)
    with torch.no_grad():
        for weight in stack.weights.values():
            weight[1] += 0.1
    after = mlm_losses(stack, batch)
    assert after[0] == before[0]
    assert after[1] != before[1]
    read = next(p for p in range(12, 19) if p not in batch.positions)
    batch.ids.reshape(-1)[read] = 78
    assert mlm_losses(stack, batch)[0] != before[0]


def test_equal_seeds_start_alike_and_others_do_not():
    first, again, other = (new_stack(SMALL, 90, (seed,), 0).weights for seed in (1, 1, 2))
    for name, weight in first.items():
        assert torch.equal(weight, again[name])
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    assert not torch.equal(first[name], other[name])
    for initialization, std in (("bert", 0.02), ("scaled", 16**-0.5), ("local", 16**-0.5)):
        made = new_stack(SMALL.model_copy(update={"initialization": initialization}), 90, (1,), 0).weights
        assert made[name].std().item() == pytest.approx(std, rel=0.2)


def test_saved_model_loads_in_transformers(tmp_path):
    from transformers import AutoModelForMaskedLM

    stack = new_stack(SMALL, 90, (5, 6), 0)
    save_model(stack, 1, VOCABULARY, tmp_path)
    batch = rows(0)
    ids, mask = torch.from_numpy(batch.ids), torch.from_numpy(batch.attention_mask)
    theirs = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    logits = theirs(input_ids=ids, attention_mask=mask.long()).logits.flatten(0, 1)[batch.positions]
    again = load_models([tmp_path], SMALL, VOCABULARY)
    ours = again.logits_at(ids[None], torch.from_numpy(batch.positions)[None], mask[None])[0]
    torch.testing.assert_close(ours, logits, atol=1e-5, rtol=1e-5)
    assert torch.equal(again.weights["cls.predictions.bias"][0], stack.weights["cls.predictions.bias"][1])
