"""Compare recipes by what they are for: how well the order of donors repeats, and how many core-minutes that costs.

    python benchmarks/recipe_banks.py benchmarks/recipes/small.toml benchmarks/recipes/small-banks.toml --out runs/tune

For each recipe, `[recipes.NAME]` with keys of `[training]` and `[model]`, and each seed it trains all M_l and all
M_{s,t} of the experiment's languages, and scores them on masks of the dev text, never on test text. One line of
`OUT/banks.jsonl` is one bank of one seed; what is there is not trained again.

Printed: the least M_l as a multiple of the unigram; the reliability of the order of donors within recipients over all
seeds, for one seed and for the mean over them, and the donor that gives each language most; the same for zero-shot
scores; core-minutes a seed.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tune_recipe import add_row, changed, masked_dev, prepared, read_rows

from bloodbank.experiment.load import Experiment
from bloodbank.mlm.masking import TestMasks
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.reading import Reading
from bloodbank.mlm.scoring import PieceScores, score_models
from bloodbank.mlm.sequences import Text
from bloodbank.mlm.training import train
from bloodbank.mlm.weights import new_stack
from bloodbank.store import Store
from bloodbank.tokenizer import Vocabulary, load_tokenizer
from bloodbank.transfer import Plan
from bloodbank.transfer.tasks import sequences_of

KINDS = ("sequential", "zero_shot")


def main() -> None:
    """Measure what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("recipes", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="names of recipes, comma-separated; all by default")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    plan, store = prepared(chosen.experiment, chosen.out)
    results = chosen.out / "banks.jsonl"
    done = read_rows(results)
    recipes: dict[str, dict[str, Any]] = tomllib.loads(chosen.recipes.read_text())["recipes"]
    wanted = chosen.only.split(",") if chosen.only else list(recipes)
    for seed in plan.experiment.seeds:
        for name in wanted:
            if any((row["recipe"], row["seed"]) == (name, seed) for row in done):
                continue
            row = {"recipe": name, "seed": seed, **measure(plan, store, changed(plan.experiment, recipes[name]), seed)}
            done.append(row)
            add_row(results, row)
            print(table(done, wanted, plan.experiment.languages), flush=True)
    print(table(done, wanted, plan.experiment.languages))


@dataclass(frozen=True)
class Language:
    """What models read and are scored on."""

    code: str
    train: Text
    masks: TestMasks
    unigram: PieceScores

    @classmethod
    def read(cls, plan: Plan, store: Store, code: str, experiment: Experiment, vocabulary: Vocabulary) -> Language:
        """Lay out a language's training text, and mask its dev text as all recipes see it."""
        _, masks, unigram = masked_dev(plan, store, code, vocabulary)
        return cls(code, sequences_of(store.path(plan.tokens[code]), "train", vocabulary, experiment), masks, unigram)


def measure(plan: Plan, store: Store, experiment: Experiment, seed: int) -> dict[str, Any]:
    """Train and score a bank of one seed; scores are logarithms of MRR, and negative cross-entropies."""
    _, vocabulary = load_tokenizer(store.path(plan.tokenizer))
    languages = [Language.read(plan, store, code, experiment, vocabulary) for code in plan.experiment.languages]
    started = time.process_time()
    own: list[BertStack] = []
    for language in languages:
        stack = new_stack(experiment.model, vocabulary.size, (seed,), vocabulary.pad)
        own.append(learn(stack, language, experiment, experiment.training.epochs, seed))
    n = len(languages)
    zero, pair = np.full((2, n, n), np.nan), np.full((2, n, n), np.nan)
    for t, recipient in enumerate(languages):
        for s, donor in enumerate(own):
            zero[:, s, t] = score(donor, recipient)
            if s != t:
                copy = BertStack(donor.settings, {name: w.detach().clone() for name, w in donor.weights.items()})
                pair[:, s, t] = score(
                    learn(copy, recipient, experiment, experiment.training.epochs_bilingual, seed), recipient
                )
    alone = zero.diagonal(axis1=1, axis2=2)
    unigram = [np.log(language.unigram.reciprocal_rank.mean()) for language in languages]
    return {
        "times_unigram": np.exp(alone[0] - unigram).tolist(),
        "sequential": (pair - alone[:, None]).tolist(),
        "zero_shot": (zero - alone[:, None]).tolist(),
        "core_minutes": (time.process_time() - started) / 60,
    }


def learn(stack: BertStack, language: Language, experiment: Experiment, epochs: int, seed: int) -> BertStack:
    """Train a model on a language's text, in place."""
    recipe = experiment.training.model_copy(update={"curve_points": 0})
    train(stack, [Reading({language.code: language.train}, recipe, epochs, seed)], recipe)
    return stack


def score(stack: BertStack, language: Language) -> tuple[float, float]:
    """Score a model on dev text: log MRR, and the negative cross-entropy."""
    (found,) = score_models(stack, language.masks)
    if found is None:
        return np.nan, np.nan
    return float(np.log(found.reciprocal_rank.mean())), -float(found.nll.mean())


def reliability(banks: np.ndarray) -> tuple[float, float]:
    """Return the share of the variance of donors' effects within recipients that repeats, of one seed and of the mean.

    Args:
        banks: Gains; what is on the diagonal does not count. Shape: [n_seeds, donor, recipient].
    """
    n_seeds, n, _ = banks.shape
    banks = np.where(np.eye(n, dtype=bool), np.nan, banks)
    within = banks - np.nanmean(banks, axis=1, keepdims=True)
    cells = within[:, ~np.eye(n, dtype=bool)]
    noise = cells.var(axis=0, ddof=1).sum() / (n * (n - 2))  # each recipient's mean took one degree of freedom
    signal = max(0.0, (cells.mean(axis=0) ** 2).sum() / (n * (n - 2)) - noise / n_seeds)
    return signal / (signal + noise), signal / (signal + noise / n_seeds)


def firsts(bank: np.ndarray, codes: Sequence[str]) -> str:
    """Name the donor that gives each recipient most, over all seeds: `nl←nb`. Shape as in `reliability`."""
    gains = np.where(np.eye(len(codes), dtype=bool), -np.inf, bank.mean(axis=0))
    return " ".join(f"{code}←{codes[donor]}" for code, donor in zip(codes, gains.argmax(axis=0), strict=True))


def table(rows: list[dict[str, Any]], names: list[str], codes: Sequence[str]) -> str:
    """Lay results out in Markdown."""
    lines = [
        "| recipe | seeds | least M_l, times the unigram | core-minutes a seed | reliability of one seed, of the mean: "
        "F by MRR | by cross-entropy | zero-shot by MRR | by cross-entropy | first donors: F by MRR | by cross-entropy "
        "| zero-shot by MRR | by cross-entropy |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in names:
        mine = [row for row in rows if row["recipe"] == name]
        if not mine:
            continue
        least = min(min(row["times_unigram"]) for row in mine)
        minutes = np.mean([row["core_minutes"] for row in mine])
        banks = [np.array([row[kind] for row in mine])[:, metric] for kind in KINDS for metric in range(2)]
        found = "| not known, one seed " * 4
        if len(mine) > 1:
            found = "".join("| {:.2f}, {:.2f} ".format(*reliability(bank)) for bank in banks)
        found += "".join(f"| {firsts(bank, codes)} " for bank in banks)
        lines.append(f"| {name} | {len(mine)} | {least:.2f} | {minutes:.1f} {found}|")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
