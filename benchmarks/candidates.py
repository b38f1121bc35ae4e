"""What `training.candidates = "text"` does to F: the same experiment with all pieces, and with those of each text.

    python benchmarks/candidates.py benchmarks/recipes/candidates.toml --out runs/candidates

Both banks are made in one run folder, so that text, tokenizer, token ids, batches, places of masks and initial weights
are the same; what is there is not made again. How much faster it is: `against_trainer.py --only recommended,pieces`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import reporting
from scipy.stats import spearmanr

import bloodbank as bb
from bloodbank.experiment import Experiment, load_experiment

MODES = ("vocabulary", "text")


@dataclass(frozen=True)
class Bank:
    """What one way to choose found.

    Attributes:
        scores: F. Shape: [donor, recipient].
        own: MRR of M_t, and its multiple of the unigram's, by recipient.
    """

    scores: pd.DataFrame
    own: pd.DataFrame


def main() -> None:
    """Make both banks, and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    experiment = load_experiment(chosen.experiment)
    print("\n".join(reporting.machine()))
    banks = {mode: measure(experiment, mode, chosen.out) for mode in MODES}
    print("\n".join(lines(banks, candidates_of(chosen.out))))


def measure(experiment: Experiment, mode: str, out: Path) -> Bank:
    """Make the bank of one way to choose, and read it."""
    training = experiment.training.model_copy(update={"candidates": mode})
    bank = bb.run(experiment.model_copy(update={"training": training}), out, update=True)
    rows = bank.measurements.query("metric == 'mrr'")
    own = rows.query("protocol == 'monolingual'").groupby("recipient")[["value", "unigram"]].mean()
    own["times"] = own.value / own.unigram
    return Bank(bank.finetune_scores, own)


def candidates_of(out: Path) -> dict[str, int]:
    """Return the number of pieces that each column chose from."""
    found = sorted((out / "masks").glob("*/candidates.npy"))
    return {path.parent.name.rpartition("-")[0]: len(np.load(path)) for path in found}


def lines(banks: dict[str, Bank], candidates: dict[str, int]) -> list[str]:
    """Lay both banks out."""
    every, own = (banks[mode] for mode in MODES)
    cells = list(permutations(every.scores.index, 2))
    pairs = 100 * np.array([(every.scores.loc[cell], own.scores.loc[cell]) for cell in cells])
    rows = [[f"F({s}→{t}), %", *(f"{score:+.1f}" for score in pair)] for (s, t), pair in zip(cells, pairs, strict=True)]
    for t in every.own.index:
        found = (f"{bank.own.value[t]:.4f} ({bank.own.times[t]:.2f} × unigram)" for bank in (every, own))
        rows.append([f"MRR of M_{t}, over all pieces / its own {candidates[t]:,}", *found])
    change = pairs[:, 1] - pairs[:, 0]
    return [
        "",
        reporting.table(["", "all pieces", "the text's own"], rows),
        "",
        f"- Spearman's correlation of F over {len(cells)} cells: {spearmanr(*pairs.T).statistic:.2f}; mean difference "
        f"{change.mean():+.1f} points, largest {np.abs(change).max():.1f}",
    ]


if __name__ == "__main__":
    main()
