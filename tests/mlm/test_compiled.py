"""A compiled encoder computes what the plain one does."""

import shutil

import pytest
import torch

from bloodbank.experiment.load import ModelSettings, TrainingSettings
from bloodbank.mlm.gang import step
from bloodbank.mlm.masking import training_batch
from bloodbank.mlm.optimiser import StackedOptimiser
from bloodbank.mlm.sequences import make_sequences
from bloodbank.mlm.weights import new_stack
from bloodbank.randomness import generator, torch_generator
from bloodbank.tokenizer import Vocabulary

V = Vocabulary(40, pad=0, unk=1, cls=2, sep=3, mask=4)
TOLERANCE = 1e-5  # float32: sums in another order


@pytest.mark.proof  # half a minute for the C++ compiler
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler")
def test_two_updates_of_two_models_are_the_same_compiled_and_not():
    import numpy as np

    settings = ModelSettings(n_layers=1, n_heads=2, hidden_size=16, feed_forward_size=16, n_positions=12, dropout=0.2)
    text = make_sequences(generator("text").integers(5, 40, size=90), np.array([0, 90]), V, "packed", 12)
    found = []
    for compiled in (False, True):
        recipe = TrainingSettings(batch_size=4, learning_rate=1e-2, dtype="float32", compile=compiled)
        stack = new_stack(settings, 40, (0, 1), V.pad)
        optimiser = StackedOptimiser(stack, recipe)
        for update in range(2):
            batch = training_batch(text.take(np.arange(4)), 0.15, generator("masks", update))
            losses = step(stack, batch, optimiser, recipe, [torch_generator("cpu", update)])
        found.append((losses, stack.weights))
    (plain, weights), (compiled_losses, others) = found
    torch.testing.assert_close(plain, compiled_losses, atol=TOLERANCE, rtol=TOLERANCE)
    for name, weight in weights.items():
        if name.endswith("key.bias"):
            continue  # softmax does not see it: its gradient is rounding, which AdamW makes as large as any
        torch.testing.assert_close(weight, others[name], atol=1e-3, rtol=1e-3)


def test_compiling_without_a_compiler_is_refused(monkeypatch):
    from bloodbank.errors import UsageError
    from bloodbank.execution import check_compiler

    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    check_compiler(needed=False)
    with pytest.raises(UsageError, match=r"training\.compile = true, but there is no C\+\+ compiler"):
        check_compiler(needed=True)
