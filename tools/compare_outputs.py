"""Compare what the command lines of two checkouts write, to prove that a change of the code changes no result.

    python tools/compare_outputs.py ../before

Runs every command that reads a bank, on the bank that comes with the package (`shipped`) and on the authors' released
matrix (`published`: in the folder that BLOODBANK_SHARED_DATA names, else ../shared/data), and small experiments on
generated text (`run`, `protocols`, `downstream`); reads every file that they write. Prints a line for each artefact:
`same`, or `differs` with the first differences. Writes a temporary folder; `--keep FOLDER` keeps it.

Values have a tolerance, text has none; models are compared by their hash. Dates, seconds, speeds and versions are
masked, and so are the keys of outputs in all but `plan.json`. Takes 8 minutes of processor time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from artefacts import Content, differences, mask, name_without_keys, read

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("face", "shipped", "published", "run", "protocols", "downstream")
_SHARED = Path(os.environ.get("BLOODBANK_SHARED_DATA") or ROOT.parent / "shared" / "data")
_CRASH = "Traceback (most recent call last):"
_GROUPS = ("", "bank", "corpus", "downstream")
_COMMANDS = (
    *("run", "status", "show", "select", "recommend", "explore"),
    *("bank import", "bank export", "bank compare", "bank report", "bank typology"),
    *("corpus fetch", "corpus build", "corpus audit", "downstream run", "downstream report"),
)
_FACE = """
import inspect, re, bloodbank as bb
for name in sorted(bb.__all__):
    one = getattr(bb, name)
    is_error = inspect.isclass(one) and issubclass(one, Exception)
    shown = str(one.__mro__[1:] if is_error else inspect.signature(one))
    print(name, re.sub(r"bloodbank(\\.\\w+)*\\.| at 0x[0-9a-f]+", "", shown))  # neither modules nor addresses
    for member in dir(one) if inspect.isclass(one) else ():
        member[0] != "_" and print(" ", name, member)
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout, and the folder in which its commands run."""

    root: Path
    work: Path

    def python(self, name: str, *arguments: str) -> None:
        """Run Python with the package of this checkout; what it prints is written to NAME.txt."""
        environment = {**os.environ, "PYTHONPATH": str(self.root / "src"), "COLUMNS": "100", "NO_COLOR": "1"}
        environment |= {"PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(
            [sys.executable, *arguments],
            check=False, cwd=self.work, env=environment, capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip
        printed = f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        for path, word in ((self.work, "WORK"), (self.root, "CHECKOUT")):
            printed = printed.replace(str(path), word)
        path = self.work / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(printed, encoding="utf-8")

    def command(self, name: str, *arguments: str | Path) -> None:
        """Run the command line."""
        self.python(name, "-m", "bloodbank.cli", *map(str, arguments))

    def check(self) -> None:
        """Make sure that the package which is run is the one of this checkout.

        Raises:
            SystemExit: It is another.
        """
        self.python("place", "-c", "import bloodbank; print(bloodbank.__file__)")
        printed = self.work / "place.txt"
        if "CHECKOUT/src/bloodbank" not in printed.read_text(encoding="utf-8"):
            raise SystemExit(f"{self.root} has no package that runs:\n{printed.read_text(encoding='utf-8')}")


def face(of: Checkout) -> None:
    """Show the Python face and every help."""
    of.python("face/python", "-c", _FACE)
    for words in (*_GROUPS, *_COMMANDS):
        of.command(f"face/help {words}", *words.split(), "--help")


def read_bank(of: Checkout, part: str, source: str, *options: str, typology: Path | None = None) -> None:
    """Run every command that reads a bank.

    Args:
        of: The checkout.
        part: Folder of what they write.
        source: What the commands are given.
        options: Of `explore`.
        typology: CLDF folder for the report and the page.
    """
    features = ("--typology", typology) if typology else ()
    of.command(f"{part}/show", "show", source)
    for kind, name in (("csv", "csv"), ("long-csv", "long.csv"), ("parquet", "parquet"), ("json", "json")):
        of.command(f"{part}/export {kind}", "bank", "export", source, f"{part}/exported.{name}", "--format", kind)
    for suffix in ("graphml", "tex"):
        of.command(f"{part}/export {suffix}", "bank", "export", source, f"{part}/exported.{suffix}")
    of.command(f"{part}/report", "bank", "report", source, "--out", f"{part}/report", *features)
    of.command(f"{part}/explore", "explore", source, "--out", f"{part}/page.html", *features, *options)


def choose(of: Checkout, part: str, source: str, typology: Path | None = None) -> None:
    """Choose languages in several ways, and compare the bank with another one."""
    choices: dict[str, tuple[str | Path, ...]] = {
        "select": ("select", source),
        "select 2": ("select", source, "--size", "2", "--seed", "3"),
        "select spread": ("select", source, "--size", "2", "--max-per-family", "1", "--exclude", "hu"),
        "select order": ("select", source, "--size", "2", "--order", "most_recipient,random", "--include", "sv"),
    }
    wished: dict[str, tuple[int | str, ...]] = {
        "recommend 2": (2,),
        "recommend sum": (3, "--objective", "sum", "--exact-size", "--exclude", "ko"),
        "recommend rho": (3, "--rho", "0.2", "--include", "hu", "--max-per-family", "2"),
        "recommend from": (2, "--from", "de,en,fr,ru", "--max-per-script", "1"),
        "recommend wrong": (2, "--from", "de,xx"),
    }
    choices |= {
        name: ("recommend", source, "--for", "sv,fi", "--budget", *map(str, rest)) for name, rest in wished.items()
    }
    if typology:
        apart = ("--min-distance", "0.4", "--features", typology)
        choices["recommend apart"] = ("recommend", source, "--for", "sv,fi", "--budget", "3", *apart)
    for name, arguments in choices.items():
        of.command(f"{part}/{name}", *arguments)
    features = ("--features", typology) if typology else ()
    of.command(f"{part}/typology", "bank", "typology", source, "--table", f"{part}/typology.csv", *features)
    of.command(f"{part}/compare", "bank", "compare", source, "help-books")


def published(of: Checkout) -> None:
    """Import the authors' released matrix, and read it."""
    wals = _SHARED / "wals" / "cldf"
    features = wals if wals.exists() else None
    of.command(
        "published/import", "bank", "import", _SHARED / "published" / "mrr_ratio_22x22.csv", "--out", "published"
    )
    read_bank(of, "published", "published/bank.json", "--compare", "help-books", typology=features)
    choose(of, "published", "published/bank.json", features)


def small_run(of: Checkout, experiment: Path, part: str) -> None:
    """Run an experiment from nothing, and again with nothing left to do; then read what there is."""
    of.command(f"{part}/plan before", "run", experiment, "--out", f"{part}/run", "--dry-run")
    for name in ("first", "again"):
        of.command(f"{part}/{name}", "run", experiment, "--out", f"{part}/run")
    of.command(f"{part}/plan after", "run", experiment, "--out", f"{part}/run", "--dry-run")
    of.command(f"{part}/status", "status", f"{part}/run")
    of.command(f"{part}/audit", "corpus", "audit", experiment, "--out", f"{part}/run")
    read_bank(of, part, f"{part}/run")


def downstream(of: Checkout, experiment: Path) -> None:
    """Run a downstream experiment and write its report."""
    for name, options in {"plan": ("--dry-run",), "first": ()}.items():
        of.command(f"downstream/{name}", "downstream", "run", experiment, "--out", "downstream/run", *options)


def write_experiments(folder: Path) -> dict[str, Path]:
    """Write the texts and the files of the small experiments, once for both checkouts."""
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    import made_up_run
    from small_run import write_experiment

    grid = 'protocols = ["sequential", "joint", "frozen", "zero_shot"]\ncontrols = ["self", "longer", "shuffled"]'
    return {
        "run": write_experiment(folder / "run", grid='keep_models = "all"'),
        "protocols": write_experiment(folder / "protocols", top="seeds = [0, 1]", grid=grid),
        "downstream": made_up_run.write_experiment(folder / "downstream"),
    }


def run_parts(of: Checkout, parts: list[str], experiments: dict[str, Path]) -> None:
    """Run the commands of a checkout."""
    if "face" in parts:
        face(of)
    if "shipped" in parts:
        read_bank(of, "shipped", "help-books")
        choose(of, "shipped", "help-books")
    if "published" in parts:
        published(of)
    for part in ("run", "protocols"):
        if part in parts:
            small_run(of, experiments[part], part)
    if "downstream" in parts:
        downstream(of, experiments["downstream"])


def contents(folder: Path) -> dict[str, Path]:
    """Name every file that is compared."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in ("place.txt", "sources.json") and path.parent.name != "locks":
            name = name_without_keys(path, folder)
            while name in found:  # two outputs of one label
                name += "+"
            found[name] = path
    return found


def compare(old: Path, new: Path, *, tolerance: float) -> Iterator[tuple[str, list[str]]]:
    """Compare two folders file by file.

    Yields:
        Name of an artefact and what differs.
    """
    first, second = contents(old), contents(new)
    for name in sorted({*first, *second}):
        if name not in first or name not in second:
            yield name, [f"only the {'old' if name in first else 'new'} checkout writes it"]
            continue
        try:
            sides: list[Content] = [read(side[name]) for side in (first, second)]
        except ValueError as error:
            yield name, [mask(f"cannot be read: {error}")]
            continue
        found = differences(*sides, tolerance=tolerance)
        code, *printed = sides[1] if name.endswith(".txt") and sides[1] else [""]
        if _CRASH in printed and not found:
            found = [f"both crash: {printed[-1]}"]
        yield f"{name} ({code})" if code.startswith("exit code") and code != "exit code 0" else name, found


def main() -> None:
    """Compare two checkouts; exit code 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, help="checkout to compare with")
    parser.add_argument("new", type=Path, nargs="?", default=ROOT, help="by default the one of this script")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--tolerance", type=float, default=1e-9, help="of numbers, relative")
    parser.add_argument("--lines", type=int, default=5, help="differences shown of an artefact")
    parser.add_argument("--quiet", action="store_true", help="name only what differs")
    parser.add_argument("--keep", type=Path, help="new folder that keeps what the commands wrote")
    given = parser.parse_args()
    parts = given.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--only {','.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    if "published" in parts and not _SHARED.exists():
        print(f"skipped  published: no shared data at {_SHARED}; set BLOODBANK_SHARED_DATA to its folder")
        parts.remove("published")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.keep or Path(temporary)).resolve()
        sides = [Checkout(root.resolve(), folder / name) for name, root in (("old", given.old), ("new", given.new))]
        experiments = write_experiments(folder / "experiments")
        for side in sides:
            side.work.mkdir(parents=True)
            side.check()
        with ThreadPoolExecutor(len(sides)) as both:
            list(both.map(lambda side: run_parts(side, parts, experiments), sides))
        n_different = n_compared = 0
        for name, found in compare(sides[0].work, sides[1].work, tolerance=given.tolerance):
            n_compared, n_different = n_compared + 1, n_different + bool(found)
            if found or not given.quiet:
                print(f"differs  {name} ({len(found):,} lines)" if found else f"same     {name}")
            for line in found[: given.lines]:
                print(f"    {line[:300]}")
    print(f"{n_compared} artefacts compared, {n_different} differ")
    sys.exit(1 if n_different or not n_compared else 0)


if __name__ == "__main__":
    main()
