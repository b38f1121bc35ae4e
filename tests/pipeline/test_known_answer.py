"""An experiment whose answer is known: it fails where donor and recipient are swapped, or a phase is lost.

Every model of a language with syntax has time to learn it (MRR 0.87, random tokens 0.21; with half the epochs some
seeds stay on the plateau and the spread between seeds hides the order). The second phase is too short to learn t from
nothing, so what M_{s,t} reaches is what the donor brought: all of it from more text of t itself, a part from the same
language with other symbols (its attention carries over, its words do not), none from random tokens.
"""

import numpy as np
import pytest

import bloodbank as bb
from generated import GREEK, LATIN, sentences

DONORS = {"x-same": {}, "x-respelt": {"letters": GREEK}, "x-random": {"letters": GREEK[::-1], "shuffled": True}}
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    texts = {"x-t": sentences(1400, seed=1)} | {
        name: sentences(1400, seed=2 + i, **how) for i, (name, how) in enumerate(DONORS.items())
    }
    for name, lines in texts.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "experiment.toml").write_text(
        f"""
        name = "known"
        preset = "quick"
        languages = ["x-t", "x-same", "x-respelt", "x-random"]
        seeds = [{", ".join(map(str, SEEDS))}]
        corpus.path = "{{language}}.txt"
        corpus.duplicates = "keep"
        corpus.budget_chars = 8_000
        corpus.dev_chars = 200
        corpus.test_chars = 1_500
        tokenizer = {{ vocab_size = 200, alphabet_share = 0.9 }}
        model = {{ n_layers = 1, hidden_size = 32, feed_forward_size = 64 }}
        training = {{ epochs = 100, epochs_bilingual = 8, batch_size = 8, learning_rate = 2e-3 }}
        [grid]
        include_unhealthy = true
        pairs = [["x-same", "x-t"], ["x-respelt", "x-t"], ["x-random", "x-t"], ["x-t", "x-random"]]
        """,
        encoding="utf-8",
    )
    return bb.run(folder / "experiment.toml")


@pytest.mark.proof
def test_donors_come_in_the_known_order(bank):
    gains = {name: np.array([bank.replicates[seed].loc[name, "x-t"] for seed in SEEDS]) for name in DONORS}
    spread = max(values.std(ddof=1) for values in gains.values())
    same, respelt, random = (gains[name].mean() for name in DONORS)
    assert same > respelt + spread, gains
    assert respelt > random + spread, gains
    assert (gains["x-same"] > gains["x-respelt"]).all(), gains
    assert (gains["x-respelt"] > gains["x-random"]).all(), gains


@pytest.mark.proof
def test_a_language_without_syntax_receives_nothing(bank):
    # Swapping donor and recipient anywhere would put the gains of x-t's column into its row.
    gains = bank.finetune_scores["x-t"]
    assert abs(bank.finetune_scores.loc["x-t", "x-random"]) < (gains["x-same"] - gains["x-random"]) / 5
    assert bank.health.loc["x-random", "x-random"] == "unhealthy"
    assert bank.health.loc["x-t", "x-t"] == "healthy"
    assert bank.health.loc["x-same", "x-t"] == "healthy"


def test_the_generated_language_has_syntax_that_a_unigram_cannot_solve():
    words = " ".join(sentences(300, seed=1)).split()
    counts = {letter: words.count(letter) for letter in LATIN[:16]}
    assert max(counts.values()) < 2 * min(counts.values())
    pairs = set(zip(words[::2], words[1::2], strict=True))
    assert len(pairs) == 8
