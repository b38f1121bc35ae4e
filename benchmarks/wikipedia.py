"""Reading a dump of Wikipedia, against wikiextractor: pages and characters a second, memory, and what markup is left.

    python -m venv /tmp/wikiextractor && /tmp/wikiextractor/bin/pip install wikiextractor
    python benchmarks/wikipedia.py --wikiextractor /tmp/wikiextractor/bin/wikiextractor

The dump is the English sample of the shared data, ten times over, as a multistream dump with its index. Both read the
same file and write plain text; each runs as a command of its own, its start included, in turn. wikiextractor runs
without its pass that collects templates, and with one and two worker processes; the package with one process, and with
two that read half of the dump each, by place. wikiextractor is a separate tool (AGPL): nothing of it is imported.

On a machine where others work, too, compare the pages for each second of CPU.
"""

from __future__ import annotations

import argparse
import bz2
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

SAMPLE = "wikipedia-dumps/enwiki-pages-articles.xml.bz2"
NAME = "enwiki-20160501-pages-articles-multistream"
PAGES_PER_STREAM = 100
LEFTOVERS = {
    "{{ }}": r"\{\{|\}\}",
    "[[ ]]": r"\[\[|\]\]",
    "{| |}": r"\{\||\|\}",
    "''": r"''",
    "==": r"==",
    "<tag>": r"</?[a-zA-Z][^<>]*>",
    "|": r"\|",
    "File:, Category:": r"\b(?i:file|image|category):",
    "&nbsp;": r"&#?\w+;",
    "http": r"https?:|www\.",
    "__TOC__": r"__[A-Z]+__",
    "empty brackets": r"(?<!\w)\([\s,;]*\)|(?<!\w)\[\s*\]|\( |\([,;]",
    "formula_1": r"\b(?:formula|codice)_\d+",
}


@dataclass(frozen=True)
class Run:
    """What one run of a contender took.

    Attributes:
        seconds: From its start to the end of the last process.
        cpu_seconds: Of all its processes.
        peak_bytes: Resident size of its largest process.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    if chosen.contend:
        write_text(Path(chosen.contend[0]), Path(chosen.contend[1]), *map(float, chosen.contend[2:]))
        return
    from reporting import finish, machine, ratios, show_ratio, table, verdict

    head = machine()
    with tempfile.TemporaryDirectory(prefix="wikipedia-") as folder:
        work = Path(folder)
        dump, n_pages = make_dump(work, chosen.times)
        ways = contenders(dump, work, chosen.wikiextractor)
        runs: dict[str, list[Run]] = {name: [] for name in ways}
        for number in range(chosen.rounds + 1):
            for name, way in ways.items():
                shutil.rmtree(work / "out", ignore_errors=True)
                run = way()
                if number:  # the first round fills the cache of the disk
                    runs[name].append(run)
                    print(f"round {number}: {name}: {run.seconds:.1f} s", file=sys.stderr)
        texts = {name: text_of(way, work / "out") for name, way in ways.items()}
    sizes = {name: sum(map(len, lines)) for name, lines in texts.items()}
    rows = []
    theirs = [name for name in runs if name.startswith("wikiextractor")]
    best = min(theirs, key=lambda name: median(run.seconds for run in runs[name]), default="")
    for name, several in runs.items():
        seconds = [run.seconds for run in several]
        ratio = show_ratio(ratios([1 / s for s in seconds], [1 / run.seconds for run in runs[best]])) if best else "–"
        rows.append([
            name, f"{n_pages / median(seconds):,.0f}", f"{sizes[name] / median(seconds):,.0f}",
            f"{n_pages / median(run.cpu_seconds for run in several):,.0f}",
            f"{max(run.peak_bytes for run in several) / 2**20:,.0f}", ratio,
        ])  # fmt: skip
    left = {name: leftovers(lines) for name, lines in texts.items()}
    lines = [
        "# Reading a dump of Wikipedia", "", *head,
        f"- {chosen.rounds} rounds, alternating; medians; {n_pages:,} pages, {chosen.times} times the sample", "",
        table(("contender", "pages/s", "characters/s", "pages/CPU s", "peak MiB of a process",
               "times the best of wikiextractor (range)"), rows),
        "", "Leftovers in the text, for a million characters:", "",
        table(("contender", "characters", "all", *LEFTOVERS), [
            [name, f"{sizes[name]:,}", *(f"{n / sizes[name] * 1e6:.1f}" for n in (left[name].total(),
             *(left[name][kind] for kind in LEFTOVERS)))] for name in ways if name.endswith("1 process")
        ]), "",
    ]  # fmt: skip
    if best:
        fastest = min(set(runs) - set(theirs), key=lambda name: median(run.seconds for run in runs[name]))
        value = ratios([1 / run.seconds for run in runs[fastest]], [1 / run.seconds for run in runs[best]])[0]
        least = {
            which: min(median(run.cpu_seconds for run in runs[name]) for name in of)
            for which, of in (("ours", set(runs) - set(theirs)), ("theirs", theirs))
        }
        fewer = left[fastest].total() / sizes[fastest] / (left[best].total() / sizes[best])
        lines += [
            verdict(f"{fastest}, in times the speed of {best}", value, 1.0),
            verdict("pages for a second of CPU, in times wikiextractor's", least["theirs"] / least["ours"], 1.0),
            verdict("leftovers, in times those of wikiextractor", fewer, 1.0, at_least=False), "",
        ]  # fmt: skip
    ours = next(name for name in texts if name.startswith("bloodbank"))
    lines += ["What is left in the text of the package, some of each kind:", "", *examples(texts[ours])]
    finish(lines, chosen.out, {
        "machine": head, "n_pages": n_pages, "n_chars": sizes, "leftovers": left,
        "runs": {name: [vars(run) for run in several] for name, several in runs.items()},
    })  # fmt: skip


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--wikiextractor", default=shutil.which("wikiextractor"), help="its command, if not on the PATH"
    )
    parser.add_argument("--times", type=int, default=10, help="how often the sample stands in the dump")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="write all numbers into this JSON file")
    parser.add_argument("--contend", nargs=4, metavar=("DUMP", "OUT", "START", "END"), help=argparse.SUPPRESS)
    return parser.parse_args()


def make_dump(folder: Path, times: int) -> tuple[Path, int]:
    """Write the sample several times over as a multistream dump with its index; return it and its pages."""
    root = Path(__file__).resolve().parents[2] / "shared" / "data"
    sample = Path(os.environ.get("BLOODBANK_SHARED_DATA", root)) / SAMPLE
    if not sample.exists():
        sys.exit(f"no sample at {sample}; set BLOODBANK_SHARED_DATA to the folder of the shared data")
    text = bz2.decompress(sample.read_bytes()).decode("utf-8")
    pages = re.findall(r"  <page>.*?</page>\n", text, re.DOTALL)
    dump, index = folder / f"{NAME}.xml.bz2", folder / f"{NAME}-index.txt.bz2"
    lines = []
    with dump.open("wb") as file:
        file.write(bz2.compress(text[: text.index("  <page>")].encode()))
        many = pages * times
        for first in range(0, len(many), PAGES_PER_STREAM):
            several = many[first : first + PAGES_PER_STREAM]
            lines += [f"{file.tell()}:{first + i + 1}:Page {first + i}\n" for i in range(len(several))]
            file.write(bz2.compress("".join(several).encode()))
        file.write(bz2.compress(b"</mediawiki>\n"))
    index.write_bytes(bz2.compress("".join(lines).encode()))
    return dump, len(many)


def contenders(dump: Path, folder: Path, wikiextractor: str | None) -> dict[str, Callable[[], Run]]:
    """Return what is timed; each writes into the folder `out`."""
    out = folder / "out"
    ours = [sys.executable, __file__, "--contend", str(dump)]
    ways: dict[str, Callable[[], Run]] = {
        "bloodbank, 1 process": partial(run_all, [[*ours, str(out / "0"), "0", "1"]]),
        "bloodbank, 2 processes": partial(
            run_all, [[*ours, str(out / "0"), "0", "0.5"], [*ours, str(out / "1"), "0.5", "1"]]
        ),
    }
    if not wikiextractor:
        print("wikiextractor is not installed: see the head of this file", file=sys.stderr)
        return ways
    theirs = [wikiextractor, str(dump), "--no-templates", "--text", "-q", "-b", "100M", "-o", str(out)]
    for n in (1, 2):
        name = f"wikiextractor, {n} process{'es' if n > 1 else ''}"
        ways[name] = partial(run_all, [[*theirs, "--processes", str(n)]])
    return ways


def write_text(dump: Path, out: Path, start: float, end: float) -> None:
    """Write the text of the articles between two places of a dump: what the package does as a contender."""
    from bloodbank.corpus.wikipedia.source import WikipediaSource

    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for document in WikipediaSource([dump], "en").read(start):
            if document.place >= end:
                break
            file.write("\n".join(document.paragraphs) + "\n")


def run_all(commands: list[list[str]]) -> Run:
    """Run commands at the same time and measure them together."""
    began = time.perf_counter()
    before = os.times()
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands]
    peak = 0
    while any(process.poll() is None for process in started):
        peak = max(peak, *(peak_of(process.pid) for process in started))
        time.sleep(0.02)
    seconds, after = time.perf_counter() - began, os.times()
    for process in started:
        if process.returncode:
            sys.exit(f"failed: {process.args}")
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return Run(seconds, used, peak)


def peak_of(pid: int) -> int:
    """Return the largest resident size that a process or a child of it has had, in bytes; 0 once it has ended.

    What the system tells of ended processes will not do: it counts the size of the process that started them.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="ignore")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0
    highest = re.search(r"VmHWM:\s+(\d+) kB", status)
    own = int(highest[1]) * 1_024 if highest else 0
    return max([own, *(peak_of(int(child)) for child in children)])


def text_of(way: Callable[[], Run], out: Path) -> list[str]:
    """Run a contender once more and return its lines."""
    shutil.rmtree(out, ignore_errors=True)
    way()
    return [line for path in sorted(out.rglob("*")) if path.is_file() for line in lines_of(path)]


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file that hold text."""
    yield from filter(None, path.read_text(encoding="utf-8").split("\n"))


def leftovers(lines: Iterable[str]) -> Counter[str]:
    """Count what looks like markup, by kind."""
    patterns = {kind: re.compile(pattern) for kind, pattern in LEFTOVERS.items()}
    return Counter(
        {kind: sum(1 for line in lines for _ in pattern.finditer(line)) for kind, pattern in patterns.items()}
    )


def examples(lines: Iterable[str], n: int = 5, n_around: int = 40) -> list[str]:
    """Show some leftovers of each kind in their surroundings, each once."""
    shown = []
    for kind, pattern in LEFTOVERS.items():
        around = {
            line[max(0, match.start() - n_around) : match.end() + n_around]
            for line in lines
            for match in re.finditer(pattern, line)
        }
        shown += [f"- {kind}: …{each}…" for each in sorted(around)[:n]]
    return shown


if __name__ == "__main__":
    main()
