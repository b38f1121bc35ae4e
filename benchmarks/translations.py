"""How much test text stands, translated, in other languages' training text: held out by characters and by content.

    python benchmarks/translations.py TEXT --languages de,el,en,fi,fr,hu,ja,ko,ru,sv,tr,zh

Reads TEXT/CODE.txt.xz, one book in several languages, one paragraph a line; prints a table for each way of holding out,
with the pairs of which the audit says that test text is translated. Nothing is written.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bloodbank.corpus import open_source
from bloodbank.corpus.build import Preparer, build_corpus, read_part
from bloodbank.corpus.parallel import Pivot
from bloodbank.corpus.translations import Sketch, find_translations, sketch
from bloodbank.experiment.settings import CorpusSettings, SourceSettings

LANGUAGES = "de,el,en,fi,fr,hu,ja,ko,ru,sv,tr,zh"


def main() -> None:
    """Build the texts both ways and print what is found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="folder with CODE.txt.xz")
    parser.add_argument("--languages", default=LANGUAGES, help="the first one is the pivot")
    parser.add_argument("--budget", type=int, default=200_000, help="characters of training text")
    parser.add_argument("--test", type=int, default=20_000, help="characters of test text")
    given = parser.parse_args()
    settings = CorpusSettings(
        parallel="stretch", budget_chars=given.budget, test_chars=given.test, dev_chars=given.test // 4
    )
    codes = given.languages.split(",")
    for title, by_content in (("by share of characters", False), ("by content", True)):
        report(title, texts(codes, given.text, settings, by_content=by_content))


def texts(
    codes: list[str], folder: Path, settings: CorpusSettings, *, by_content: bool
) -> dict[str, tuple[Sketch, Sketch]]:
    """Build each language's text; return sketches of its test and training text."""
    sources = {code: SourceSettings(path=str(folder / f"{code}.txt.xz")) for code in codes}
    pivot = Pivot.of(open_source(sources[codes[0]], codes[0]), codes[0], Preparer(settings, codes[0]))
    found = {}
    for code in codes:
        with tempfile.TemporaryDirectory() as out:
            # Without a pivot every language holds out the same share of its own characters.
            chosen = pivot if by_content and code != codes[0] else None
            build_corpus(open_source(sources[code], code), code, settings, Path(out), pivot=chosen)
            found[code] = (sketch(read_part(Path(out), "test")), sketch(read_part(Path(out), "train")))
    return found


def report(title: str, found: dict[str, tuple[Sketch, Sketch]]) -> None:
    """Print the pairs with translations, and the nearest that were not taken for any."""
    pairs = [
        (find_translations(test, train), one, other)
        for one, (test, _) in found.items()
        for other, (_, train) in found.items()
        if one != other
    ]
    leaking = [pair for pair in pairs if pair[0].share > 0]
    print(f"\nheld out {title}: test text is translated in {len(leaking)} of {len(pairs)} pairs\n")
    print("| test | train | share, % | score | backwards |\n|---|---|---:|---:|---:|")
    for leak, one, other in sorted(leaking, key=lambda pair: -pair[0].share):
        print(f"| {one} | {other} | {100 * leak.share:.0f} | {leak.score:.0f} | {leak.chance:.0f} |")
    times = max((leak.score / max(leak.chance, 15.0) for leak, *_ in pairs if not leak.share), default=0.0)
    print(f"\nof the others, the highest score is {times:.1f} times that read backwards (at least 15 nats)")


if __name__ == "__main__":
    main()
