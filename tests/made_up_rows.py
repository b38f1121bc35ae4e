"""Sentences, encoders and transformers' own tagger that the tests of fine-tuning share: tiny, random."""

import numpy as np
import torch
from transformers import BertConfig, BertForTokenClassification

from bloodbank.downstream.tasks.data import Encoded
from bloodbank.experiment.downstream_settings import FinetuneSettings
from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.files import bert_config
from bloodbank.mlm.weights import new_stack
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary

V = Vocabulary(40, pad=0, unk=1, cls=2, sep=3, mask=4)
# BERT's small first numbers: what is compared is the arithmetic, and rounding stays small with them.
MODEL = ModelSettings(
    n_layers=2, n_heads=2, hidden_size=8, feed_forward_size=12, n_positions=16, dropout=0.0, initialization="bert"
)
DROPPING = MODEL.model_copy(update={"dropout": 0.2, "attention_dropout": 0.1})
N_CLASSES = 5
RECIPE = FinetuneSettings(epochs=4, batch_size=4, learning_rate=1e-2, length=16)


def rows(name, n=18, longest=12, vocabulary=V):
    """Rows of 1 to `longest` random pieces; about half of them begin a word, whose class is its piece modulo 5."""
    random = generator("made-up rows", name)
    lengths = random.integers(1, longest + 1, size=n) + 2
    place = np.arange(lengths.max())
    text = (place > 0) & (place < lengths[:, None] - 1)
    ids = np.where(text, random.integers(5, vocabulary.size, size=text.shape), vocabulary.pad)
    ids[:, 0] = vocabulary.cls
    ids[np.arange(n), lengths - 1] = vocabulary.sep
    first = text & ((place == 1) | (random.random(text.shape) < 0.5))
    word = np.where(first, first.cumsum(1) - 1, -1)
    gold = np.where(first, ids % N_CLASSES, -100)
    arrays = [array.astype(np.int32) for array in (ids, lengths, gold, np.arange(n), word)]
    return Encoded(*arrays)


def encoders(seeds=(0,), settings=MODEL, dtype=torch.float64):
    """Encoders with the weights of these seeds, MLM heads included, and biases that are not 0."""
    stack = new_stack(settings, V.size, tuple(seeds), V.pad)
    for name, weight in stack.weights.items():
        if name.endswith("bias"):
            for model, seed in enumerate(seeds):
                weight[model] = torch.from_numpy(generator("bias", name, seed).normal(0, 0.1, weight.shape[1:]))
    return stack.to(dtype)


def of_transformers(taggers, model=0):
    """The same tagger as transformers builds it, in eval mode."""
    config = bert_config(taggers.settings, V)
    for name in ("model_type", "architectures", "dtype"):
        config.pop(name)
    found = BertForTokenClassification(BertConfig(**config, num_labels=len(taggers.weights["classifier.bias"][0])))
    weights = {name: weight[model].detach().clone() for name, weight in taggers.weights.items()}
    found.to(weights["classifier.bias"].dtype).load_state_dict(weights, strict=True)
    return found.eval()


def padded(data, chosen):
    """What transformers reads: ids, attention mask and labels of some rows, padded to the longest."""
    length = int(data.lengths[chosen].max())
    ids = torch.from_numpy(data.ids[chosen, :length]).long()
    mask = torch.arange(length) < torch.from_numpy(data.lengths[chosen])[:, None]
    return {
        "input_ids": ids,
        "attention_mask": mask.long(),
        "labels": torch.from_numpy(data.gold[chosen, :length]).long(),
    }


def largest_difference(weights, others, model=0, other=0):
    """The largest difference between the weights of two models."""
    assert weights.keys() == others.keys()
    return max((weights[name][model] - others[name][other]).abs().max().item() for name in weights)
