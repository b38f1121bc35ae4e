"""How long does everything that can be said of a bank take? Made-up banks of 22 and 200 languages, 3 seeds.

    python benchmarks/analyses.py

Times the intervals with 1,000 replicates from seeds and sentence scores, and the whole report: every analysis, every
figure as SVG and PNG, and the page. The targets are 10 seconds for 22 languages and 60 for 200, on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from reporting import finish, machine, peak_memory, table, verdict

from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.languages import all_languages
from bloodbank.report import write_report

TARGETS = {22: 10.0, 200: 60.0}  # seconds
N_SEEDS = 3
Array = np.ndarray


def sentence_scores(codes: list[str], *, n_paragraphs: int, random: np.random.Generator) -> pd.DataFrame:
    """Make sentence scores of a complete bank: models differ in level, paragraphs in difficulty, seeds a little."""
    n = len(codes)
    donors = ["", *codes]
    give = np.concatenate([[0.0], 0.1 * random.normal(size=n)])
    parts = []
    for place, recipient in enumerate(codes):
        models = [number for number, donor in enumerate(donors) if number != place + 1]
        level = 0.2 * (1 + give[models] + 0.1 * random.normal(size=len(models)))
        level[0] = 0.2
        counts = random.integers(5, 60, n_paragraphs).astype(float)
        easy = 1 + 0.3 * random.normal(size=n_paragraphs)
        shape = (len(models), N_SEEDS, n_paragraphs)
        seed_noise = 0.03 * random.normal(size=(*shape[:2], 1))
        score = level[:, None, None] * (1 + seed_noise) * (easy + 0.1 * random.normal(size=shape))
        model, seed, unit = (axis.ravel() for axis in np.indices(shape))
        names = np.array(donors, dtype=object)[models][model]
        parts.append(
            pd.DataFrame(
                {
                    "protocol": np.where(names == "", "monolingual", "sequential"),
                    "donor": pd.Categorical(names),
                    "recipient": recipient,
                    "seed": seed,
                    "metric": "mrr",
                    "unit": unit,
                    "sum": (score * counts).ravel(),
                    "count": np.broadcast_to(counts, shape).ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True).astype({"donor": str})


def measurements(scores: pd.DataFrame) -> pd.DataFrame:
    """Make the table of measurements that belongs to sentence scores."""
    keys = ["protocol", "donor", "recipient", "seed", "metric"]
    totals = scores.groupby(keys, as_index=False, observed=True)[["sum", "count"]].sum()
    more = {"n_masked": 10_000, "standard_error": 0.001, "updates": 100, "tokens_seen": 5_000, "seconds": 1.0}
    more |= {"device": "cpu", "health": "healthy", "health_z": 9.0, "convergence": "converged"}
    return totals[keys].assign(value=totals["sum"] / totals["count"], **more)


def one_size(n: int, n_paragraphs: int, folder: Path) -> dict[str, float]:
    """Time a bank of n languages; seconds of each stage."""
    codes = [language.code for language in all_languages()][:n]
    scores = sentence_scores(codes, n_paragraphs=n_paragraphs, random=np.random.default_rng(n))
    path = folder / "sentence_scores.parquet"
    scores.to_parquet(path, index=False)
    rows = measurements(scores)
    del scores
    start = time.perf_counter()
    bank = build_bank(rows, languages=codes, name=f"made-up-{n}")
    built = time.perf_counter()
    bank = with_intervals(bank, path)
    sure = time.perf_counter()
    write_report(bank, folder / "report", tables=folder)
    end = time.perf_counter()
    return {"bank": built - start, "intervals": sure - built, "report": end - sure, "all": end - start}


def help_seconds() -> float:
    """Time `bloodbank bank --help` in a new process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bloodbank.cli", "bank", "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="12 languages only: whether the code runs")
    parser.add_argument("--paragraphs", type=int, default=150, help="paragraphs of test text a language")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    given = parser.parse_args()
    sizes = [12] if given.quick else list(TARGETS)
    found: dict[int, dict[str, float]] = {}
    lines = [*machine(), ""]
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            found[n] = one_size(n, given.paragraphs, Path(folder))
    stages = ("bank", "intervals", "report", "all")
    rows = [[f"{n} languages", *(f"{found[n][stage]:.1f}" for stage in stages)] for n in sizes]
    lines += [table(("seconds", "bank", "intervals, 1,000 replicates", "report with figures", "all"), rows), ""]
    lines += [
        verdict(f"seconds for {n} languages", found[n]["all"], TARGETS[n], at_least=False)
        for n in sizes
        if n in TARGETS
    ]
    times = sorted(help_seconds() for _ in range(5))
    lines.append(verdict("seconds for `bloodbank bank --help`, median of 5", times[2], 0.3, at_least=False))
    lines.append(f"- peak memory: {peak_memory() / 2**30:.1f} GiB")
    finish(lines, given.out, {"seconds": found, "help_seconds": times})


if __name__ == "__main__":
    main()
