"""Measure the bank `help-books` again: 576 small models of 12 languages, with 3 seeds, from one book.

    python make.py TEXT --out runs/help-books

TEXT holds cs.txt.xz, de.txt.xz and so on: the help of LibreOffice 7.4 (MPL-2.0), one paragraph a line, paragraphs that
were never translated left out. It takes about 40 minutes on two cores. Killed, the same command goes on where it was.
At the end it writes the bank's files beside itself, or into --target.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import pandas as pd

import bloodbank as bb
from bloodbank.bank import Bank, write_bank
from bloodbank.store import replace_file

HERE = Path(__file__).parent
METRIC = "mrr"  # sentence scores of the other metrics would take three times the space


def main() -> None:
    """Run the experiment and write what the package ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="folder with the text")
    parser.add_argument("--out", type=Path, default=Path("runs/help-books"), help="run folder")
    parser.add_argument("--target", type=Path, default=HERE, help="where the bank's files are written")
    given = parser.parse_args()
    settings = bb.load_experiment(HERE / "experiment.toml")
    corpus = settings.corpus.model_copy(update={"path": str(given.text.resolve() / "{language}.txt.xz")})
    bb.run(settings.model_copy(update={"corpus": corpus}), given.out)
    _write(_without_paths(bb.open(given.out), settings.corpus.path), given.out, given.target)


def _without_paths(bank: Bank, path: str) -> Bank:
    """Name the text as experiment.toml does, not by where it lay on one machine."""
    settings = dict(bank.provenance["settings"])
    settings["corpus"] = {**settings["corpus"], "path": Path(path).name}
    return dataclasses.replace(bank, provenance={**bank.provenance, "settings": settings})


def _write(bank: Bank, run: Path, target: Path) -> None:
    scores = pd.read_parquet(run / "sentence_scores.parquet", filters=[("metric", "==", METRIC)])
    if bank.measurements is None:
        raise SystemExit(f"{run} has no measurements.csv; run the same command again.")
    write_bank(bank, target)
    with replace_file(target / "sentence_scores.parquet") as temporary:
        scores.to_parquet(temporary, index=False, compression="zstd")
    for name in ("measurements.csv", "loss_curves.csv"):
        with replace_file(target / name) as temporary:
            temporary.write_bytes((run / name).read_bytes())
    for path in sorted(target.iterdir()):
        print(f"{path.stat().st_size:>10,}  {path}")


if __name__ == "__main__":
    main()
