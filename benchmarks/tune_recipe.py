"""Compare training recipes on dev text: one monolingual model a recipe and language, scored on masks of the dev text.

    python benchmarks/tune_recipe.py benchmarks/recipes/experiment.toml benchmarks/recipes/chosen.toml --out runs/tune

The second file holds one table a recipe, `[recipes.NAME]`, with keys of `[training]` and `[model]`; they may name a
preset, `preset = "paper"`, whose sections `[training]` and `[model]` they then begin with. All are scored on the same
masks, in rows as the experiment lays them out. Test text is never read. Each line of `OUT/recipes.jsonl` is one model;
what is there is not trained again. Two processes may share `OUT` once its text is there.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import setups
import torch

from bloodbank.execution import run_tasks
from bloodbank.experiment.load import Experiment, load_experiment
from bloodbank.mlm.curves import DevText
from bloodbank.mlm.masking import TestMasks, make_test_masks
from bloodbank.mlm.reading import Reading
from bloodbank.mlm.scoring import PieceScores, ratio_with_error, score_models, score_unigram, unit_sums
from bloodbank.mlm.sequences import Text, read_ids
from bloodbank.mlm.training import train
from bloodbank.mlm.weights import new_stack
from bloodbank.randomness import generator
from bloodbank.store import Store
from bloodbank.tokenizer import Vocabulary, load_tokenizer
from bloodbank.transfer import Plan, make_plan, make_tasks
from bloodbank.transfer.tasks import sequences_of

MASK_SHARE = 0.15  # of the dev text, whatever a recipe masks while training


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("candidates", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--languages", default="", help="comma-separated; all of the experiment by default")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    plan, store = prepared(chosen.experiment, chosen.out)
    experiment, results = plan.experiment, chosen.out / "recipes.jsonl"
    done = read_rows(results)
    recipes = tomllib.loads(chosen.candidates.read_text())["recipes"]
    for name, changes in recipes.items():
        for language in filter(None, chosen.languages.split(",")) if chosen.languages else experiment.languages:
            if any((row["recipe"], row["language"], row["seed"]) == (name, language, chosen.seed) for row in done):
                continue
            row = measure(plan, store, language, changes, chosen.seed)
            row = {"recipe": name, "language": language, "seed": chosen.seed, "changes": changes, **row}
            done.append(row)
            add_row(results, row)
            print(table([row]), flush=True)
    print(table(done))


def prepared(experiment: Path, out: Path) -> tuple[Plan, Store]:
    """Make what is missing before a model can be trained: text, tokenizer, pieces."""
    plan, store = make_plan(load_experiment(experiment)), Store(out)
    texts = [task for task in make_tasks(plan) if task.output.stage in ("corpus", "tokenizer", "tokens")]
    if failures := run_tasks([task for task in texts if not store.has(task.output)], store, workers=1):
        raise SystemExit(failures[0].message)
    return plan, store


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read what was measured before."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def add_row(path: Path, row: dict[str, Any]) -> None:
    """Keep one measurement more."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def masked_dev(plan: Plan, store: Store, language: str, vocabulary: Vocabulary) -> tuple[Text, TestMasks, PieceScores]:
    """Lay out a language's dev text as the experiment does, whatever the recipe, mask it, and score the unigram."""
    tokens = store.path(plan.tokens[language])
    rows = sequences_of(tokens, "dev", vocabulary, plan.experiment)
    masks = make_test_masks(
        rows.all_rows(), read_ids(tokens / "dev")[1], np.load(tokens / "dev.bytes.npy"),
        mask_share=MASK_SHARE, min_masked=10_000, corruption="mask",
        random=generator("dev masks of the tuning", language),
    )  # fmt: skip
    counts = np.bincount(read_ids(tokens / "train")[0], minlength=vocabulary.size).astype(np.float64)
    counts[list(vocabulary.special)] = 0.0
    return rows, masks, score_unigram(masks, counts)


def measure(plan: Plan, store: Store, language: str, changes: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train one model and score it on dev text."""
    experiment = changed(plan.experiment, changes)
    _, vocabulary = load_tokenizer(store.path(plan.tokenizer))
    tokens = store.path(plan.tokens[language])
    if experiment.model.n_positions < plan.experiment.model.n_positions:
        raise SystemExit(f"n_positions {experiment.model.n_positions}: the experiment's rows are longer")
    dev_rows, masks, unigram = masked_dev(plan, store, language, vocabulary)
    text = sequences_of(tokens, "train", vocabulary, experiment)
    stack = new_stack(experiment.model, vocabulary.size, (seed,), vocabulary.pad)
    dev = {language: DevText(dev_rows, language, MASK_SHARE, 60)}
    started = time.perf_counter()
    reading = Reading({language: text}, experiment.training, experiment.training.epochs, seed)
    (made,) = train(stack, [reading], experiment.training, dev=dev)
    seconds = time.perf_counter() - started
    (scores,) = score_models(stack, masks)
    mrr, base = (ratio_with_error(*unit_sums(one, masks, "mrr")) for one in (scores or unigram, unigram))
    return {
        "mrr": mrr[0], "error": mrr[1], "unigram": base[0], "times_unigram": mrr[0] / base[0],
        "updates": made.updates, "tokens": made.tokens_seen, "seconds": seconds, "diverged": made.diverged,
        "dev_loss": made.curve.loss.get(language, [])[-8:],
    }  # fmt: skip


def changed(experiment: Experiment, changes: dict[str, Any]) -> Experiment:
    """Lay keys of `[training]` and `[model]` over an experiment."""
    content = experiment.model_dump(mode="json")
    known = {key: section for section in ("training", "model") for key in content[section]}
    if unknown := sorted(changes.keys() - (known.keys() - {"candidates"}) - {"preset"}):
        raise SystemExit(f"no keys of [training] or [model]: {', '.join(unknown)}")
    if preset := changes.get("preset"):
        start = setups.preset(preset).model_dump(mode="json")
        content |= {section: start[section] for section in ("training", "model")}
    for key, value in changes.items():
        if key in known:
            content[known[key]][key] = value
    return Experiment.model_validate(content)


def table(rows: list[dict[str, Any]]) -> str:
    """Lay results out as lines."""
    return "\n".join(
        f"{row['recipe']:28}{row['language']:5}seed {row['seed']}  MRR {row['mrr']:.4f} ± {row['error']:.4f}  "
        f"{row['times_unigram']:.2f} x unigram  {row['updates']:6,} updates  {row['tokens']:9,} tokens  "
        f"{row['tokens'] / row['seconds']:6,.0f} tokens/s"
        for row in rows
    )


if __name__ == "__main__":
    main()
