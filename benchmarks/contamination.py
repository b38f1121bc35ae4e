"""How well foreign text is measured: mixtures of known share, clean texts, contaminated ones, and speed.

    python benchmarks/contamination.py            # some minutes; reads the shared text

A mixture takes lines of one clean text and puts another language in: whole lines, the second half of lines ("within
lines"), the first half, or the middle third; so a border that is put too early or too late shows with both signs.

What counts as true: all characters that were put in, whatever they are, of all characters. So names, numbers and code
of the foreign line count as foreign, and those of the own line as own, though such words may be in both languages
or in none. What is measured leaves out what cannot be judged, and gives a word that is in both languages to the
language of its neighbours. The clean texts are a help book, in which names of commands and functions stand as they
are in English: what is measured in them without any mixing is taken off the rest.
"""

from __future__ import annotations

import argparse
import lzma
import time
from pathlib import Path

import numpy as np
from texts import shared_folder

from bloodbank.corpus.foreign.foreign_share import foreign_share
from bloodbank.randomness import generator

PAIRS = "de/en,fi/en,hu/en,cs/en,ru/en,es/it,it/es,fr/es,sv/de,en/de,id/en,ja/en,zh/ja,vi/en,ko/en"
HOW = ("by line", "within lines", "first half", "middle third")
SHARES = (0.0, 0.05, 0.2, 0.5)


def main() -> None:
    """Print four tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=3_000, help="lines of each mixture")
    parser.add_argument("--pairs", default=PAIRS, help="OWN/FOREIGN, comma-separated")
    chosen = parser.parse_args()
    folder = shared_folder()
    if folder is None:
        raise SystemExit("No shared text: give its folder with BLOODBANK_SHARED_DATA.")
    print("Clean texts, all of each: share of foreign text, in percent")
    for path in sorted(folder.glob("*.txt.xz")):
        print(row(path.name.removesuffix(".txt.xz"), read(path)), flush=True)
    print("\nClean treebanks, of other books and full of names")
    for trees in sorted((folder.parent / "ud").glob("*/")):
        print(row(trees.name, sentences(trees)), flush=True)
    print("\nContaminated texts: most of hi (over 90%) and of fi (about 60%) is English, by paragraph")
    for code in ("fi", "hi"):
        path = folder.parent / "text-contaminated" / f"{code}.txt.xz"
        if path.exists():
            print(row(code, read(path)), flush=True)
    print(
        "\nMixtures: share that was mixed in, and measured (less what the clean lines show), in percent of characters"
    )
    print(f"{'pair':8}{'how':14}" + "".join(f"{100 * share:>16.0f}" for share in SHARES))
    for pair in chosen.pairs.split(","):
        own, foreign = pair.split("/")
        texts = [long_lines(read(folder / f"{code}.txt.xz"), chosen.lines) for code in (own, foreign)]
        for how in HOW:
            cells = [measure(*texts, share=share, how=how, code=own, names=pair) for share in SHARES]
            base = cells[0][1]
            shown = [f"{100 * true:6.1f} {100 * (got - base * (1 - true)):6.1f}  " for true, got in cells]
            print(f"{pair:8}{how:14}" + "".join(f"{cell:>16}" for cell in shown), flush=True)


def read(path: Path) -> list[str]:
    """Read lines that are not empty."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def sentences(folder: Path) -> list[str]:
    """Read the sentences of a treebank."""
    mark = "# text = "
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.conllu"))]
    return [line.removeprefix(mark) for text in texts for line in text.splitlines() if line.startswith(mark)]


def long_lines(lines: list[str], n: int) -> list[str]:
    """Take lines of prose, evenly over the text: of at least 40 characters."""
    prose = [line for line in lines if len(line) >= 40]
    return prose[:: max(1, len(prose) // n)][:n]


def row(code: str, lines: list[str]) -> str:
    """Measure a whole text."""
    started = time.perf_counter()
    share = foreign_share(lines, code)
    seconds = time.perf_counter() - started
    most = ", ".join(f"{other} {100 * part:.1f}" for other, part in list(share.languages_by_char.items())[:3])
    return (
        f"{code:4}{100 * (share.foreign_lines or 0):7.1f} by line {100 * (share.foreign_chars or 0):7.1f} by character "
        f"({most}); not judged {100 * share.unjudged_chars:.0f}; {len(lines) / seconds:,.0f} lines/s"
    )


def mixed(line: str, other: str, how: str) -> tuple[str, str, str]:
    """Put the start of another line into a line; return what stands before it, it, and what stands behind it."""
    if how == "by line":
        return "", other[: len(line)], ""
    if how == "within lines":
        kept = line[: cut(line, len(line) // 2)]
        return kept, other[: len(line) - len(kept)], ""
    start = 0 if how == "first half" else cut(line, len(line) // 3)
    end = cut(line, len(line) // 2 if how == "first half" else 2 * len(line) // 3)
    piece = other[: cut(other, end - start)].rstrip() if len(other) > end - start else other
    return line[:start], f"{piece} ", line[end:]


def cut(line: str, n: int) -> int:
    """Return the last place of the first n characters that is behind a space; n where there is none."""
    return line.rfind(" ", 0, n + 1) + 1 or n


def measure(
    own: list[str], foreign: list[str], *, share: float, how: str, code: str, names: str
) -> tuple[float, float]:
    """Mix, and measure; return the share of characters that was mixed in, and what was found."""
    random = generator("contamination", names, how, str(share))
    lines, n_foreign, n_all = [], 0, 0
    for line, other in zip(own, random.permutation(np.array(foreign, dtype=object)), strict=False):
        before, piece, after = line, "", ""
        if random.random() < (share if how == "by line" else min(1.0, 2 * share)):
            before, piece, after = mixed(line, str(other), how)
        lines.append(before + piece + after)
        n_foreign, n_all = n_foreign + len(piece), n_all + len(lines[-1])
    return n_foreign / n_all, foreign_share(lines, code).foreign_chars or 0.0


if __name__ == "__main__":
    main()
