"""A small downstream experiment on generated languages: texts, a matrix of F, treebanks and named entities."""

import numpy as np
import pandas as pd

from bloodbank.randomness import generator
from generated import GREEK, LATIN, N_PAIRS, sentences

CODES = ["x-a", "x-b", "x-c", "x-d", "x-e", "x-f", "x-g"]
# D falls from x-a to x-g, R rises: x-g takes most. C is x-g, x-f (most) and what takes least of the others.
SETTINGS = """
name = "tiny"
preset = "quick"
languages = {codes}
seeds = [0, 1]
{top}
[corpus]
path = "{{language}}.txt"
budget_chars = 1_500
dev_chars = 200
test_chars = 800
[tokenizer]
vocab_size = 150
alphabet_share = 0.9
[model]
n_layers = 1
hidden_size = 16
feed_forward_size = 16
[training]
epochs = 2
curve_points = 0
[downstream]
bank = "{bank}"
set_size = 1
recipient_size = 2
{downstream}
[downstream.finetune]
learning_rate = 1e-2
epochs = 20
{finetune}
[downstream.tasks.pos]
path = "treebanks"
n_sentences = 40
"""


def letters_of(code):
    return LATIN if CODES.index(code) % 2 == 0 else GREEK


def finetune_matrix():
    """F of every pair: the gift of the donor plus what the recipient takes."""
    gives, takes = np.linspace(0.3, -0.3, len(CODES)), np.linspace(-0.1, 0.2, len(CODES))
    table = pd.DataFrame(gives[:, None] + takes, index=CODES, columns=CODES)
    return table.mask(np.eye(len(CODES), dtype=bool))


def conllu(code, n, seed):
    """Sentences in random order, whose tag is NOUN for opening words, VERB for closing ones: only letters tell."""
    letters, lines = letters_of(code), []
    for text in sentences(n, seed=seed, letters=letters, shuffled=True):
        for number, word in enumerate(text.split(), start=1):
            tag = "NOUN" if letters.index(word) < N_PAIRS else "VERB"
            lines.append(f"{number}\t{word}\t_\t{tag}" + "\t_" * 6)
        lines.append("")
    return "\n".join(lines) + "\n"


def write_experiment(folder, *, top="", downstream="", finetune="", languages_with_data=CODES):
    """Write everything into a folder; return the experiment file."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, code in enumerate(CODES):
        text = "\n".join(sentences(300, seed=number, letters=letters_of(code))) + "\n"
        (folder / f"{code}.txt").write_text(text, encoding="utf-8")
        if code not in languages_with_data:
            continue
        (folder / "treebanks" / code).mkdir(parents=True, exist_ok=True)
        for split, n in (("train", 60), ("dev", 20), ("test", 30)):
            seed = int(generator(code, split).integers(1_000_000))
            (folder / "treebanks" / code / f"{split}.conllu").write_text(conllu(code, n, seed), encoding="utf-8")
    matrix = folder / "matrix.csv"
    finetune_matrix().to_csv(matrix)
    path = folder / "experiment.toml"
    path.write_text(
        SETTINGS.format(codes=CODES, top=top, bank=matrix, downstream=downstream, finetune=finetune), encoding="utf-8"
    )
    return path
