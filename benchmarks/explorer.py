"""How quick is the page? Made-up banks of 22 and 200 languages with 3 seeds and intervals, in headless Chromium.

    python benchmarks/explorer.py

Times the command that writes the page, its size, the first view, the time until the drawing library is there, and every
interaction from the change of the state until the browser has painted it: with one view, and with two side by side
until the first and (row "and the second") until both are there; the page draws the second in a frame of its own. The
targets, on two cores: written in 5 s; 22 languages: 7 MB, first view in 1 s, interactions in 100 ms; 200: 3 s, 300 ms.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from analyses import measurements, sentence_scores
from reporting import finish, machine, table, verdict

from bloodbank.bank import build_bank, write_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.languages import all_languages

TARGETS = {22: (5.0, 7.0, 1.0, 100.0), 200: (None, None, 3.0, 300.0)}  # written s, MB, first view s, interaction ms
# From the change of the state until the frame that shows it has been handed over.
TIMED = """async (state) => {
  const start = performance.now();
  bloodbank.state.set(state);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""
# The same, until both of two views have been.
TIMED_BOTH = """async (state) => {
  const root = document.documentElement;
  const [start, before] = [performance.now(), root.dataset.drawn];
  bloodbank.state.set(state);
  while (root.dataset.drawn === before) await new Promise(requestAnimationFrame);
  await new Promise((done) => setTimeout(done));
  return performance.now() - start;
}"""
# Nothing is left to be drawn.
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
PANELS = ("matrix", "graph", "plane", "similarity", "world", "whatif", "compare", "table")
ROUNDS = 5
PAGES = 3  # of the rounds, those in which every interaction is timed: what else the machine does is not the page's


def make_bank(n: int, folder: Path) -> Path:
    """Make a bank of n languages with 3 seeds; path of its folder."""
    codes = [language.code for language in all_languages() if language.latitude is not None][:n]
    scores = sentence_scores(codes, n_paragraphs=40, random=np.random.default_rng(n))
    path = folder / "sentence_scores.parquet"
    scores.to_parquet(path, index=False)
    bank = build_bank(measurements(scores), languages=codes, name=f"made-up-{n}")
    write_bank(dataclasses.replace(with_intervals(bank, path), measurements=None), folder)
    return folder / "bank.json"


def write_page(bank: Path, out: Path) -> tuple[float, float]:
    """Time `bloodbank explore` in a new process, compared with itself so that every view is there; seconds, MB."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "bloodbank.cli", "explore", str(bank), "--compare", str(bank), "--out", str(out)]
    subprocess.run([*command, "--no-open"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, out.stat().st_size / 1e6


def interactions(codes: list[str]) -> dict[str, list[dict[str, Any]]]:
    """List what readers do: by name, states that are set one after another."""
    few = {"donors": codes[:3], "recipients": codes[3:6]}
    return {
        "another language in focus": [{"focus": code} for code in codes[:ROUNDS]],
        "another order": [{"order": name} for name in ("name", "recipience", "cluster", "gives", "donation")],
        "another seed": [{"seed": seed} for seed in ("0", "1", "mean", "2", "mean")],
        "half of the languages, and all": [{"chosen": chosen} for chosen in (codes[::2], None, codes[1::2], None)],
        "groups outlined": [{"outline": on} for on in (True, False, True, False)],
        "groups collapsed": [{"collapse": on} for on in (True, False, True, False)],
        "range of F": [{"low": low} for low in (0.05, 0.1, -0.05, None)],
        "another colour": [{"colour": name} for name in ("family", "script", "blood")],
        "donors and recipients": [
            few,
            {"donors": codes[:4]},
            {"recipients": codes[:2]},
            {"donors": [], "recipients": []},
        ],
    }


def time_page(page: Any, codes: list[str]) -> dict[str, dict[str, list[float]]]:
    """Time every interaction in every view; milliseconds by view and interaction."""
    times: dict[str, dict[str, list[float]]] = {}
    for panel in PANELS:
        page.evaluate(TIMED, {"panel": "table" if panel == "matrix" else "matrix", "beside": "none"})
        times[panel] = {"opened": [page.evaluate(TIMED, {"panel": panel, "beside": "none"})]}
        for name, states in interactions(codes).items():
            times[panel][name] = [page.evaluate(TIMED, state) for state in states]
    page.evaluate(TIMED, {"panel": "matrix", "beside": "graph"})
    for row, timed in (("matrix beside graph", TIMED), ("and the second", TIMED_BOTH)):
        times[row] = {}
        for name, states in interactions(codes).items():
            times[row][name] = []
            for state in states:
                times[row][name].append(page.evaluate(timed, state))
                page.evaluate(SETTLED)
    return times


def time_size(n: int, browser: Any, folder: Path) -> dict[str, Any]:
    """Write the page of n languages and time it in the browser."""
    path = folder / "page.html"
    seconds, megabytes = write_page(make_bank(n, folder), path)
    first, ready, times = [], [], []
    for _ in range(ROUNDS):
        page = browser.new_context(offline=True, viewport={"width": 1600, "height": 1000}).new_page()
        page.goto(path.as_uri())
        while page.evaluate("document.documentElement.dataset.ready") != "1":
            time.sleep(0.02)
        first.append(float(page.evaluate("Number(document.documentElement.dataset.painted)")) / 1000)
        ready.append(float(page.evaluate("Number(document.documentElement.dataset.complete)")) / 1000)
        if len(times) < PAGES:
            times.append(time_page(page, page.evaluate("bloodbank.data.languages.map((one) => one.code)")))
        page.context.close()
    return {"written": seconds, "megabytes": megabytes, "first": first, "ready": ready, "interactions": times}


def medians(pages: list[dict[str, dict[str, list[float]]]]) -> dict[str, dict[str, float]]:
    """Of each interaction its slowest step, by the median of fresh pages; milliseconds by view and interaction."""
    return {
        row: {
            name: max(float(np.median(steps)) for steps in zip(*(page[row][name] for page in pages), strict=True))
            for name in pages[0][row]
        }
        for row in pages[0]
    }


def report(n: int, measured: dict[str, Any]) -> list[str]:
    """Say what was measured of one size."""
    names = ["opened", *interactions(["a"])]
    middle = medians(measured["interactions"])
    rows = [[row, *(f"{times[name]:.0f}" if name in times else "" for name in names)] for row, times in middle.items()]
    both = max(middle["and the second"].values())
    slowest = max(max(times.values()) for row, times in middle.items() if row != "and the second")
    single = max(max(map(max, times.values())) for page in measured["interactions"] for times in page.values())
    head = f"Milliseconds, the slowest step of each, medians of {PAGES} fresh pages:"
    lines = [f"## {n} languages", "", head, "", table(("view", *names), rows), ""]
    median = {name: sorted(measured[name])[len(measured[name]) // 2] for name in ("first", "ready")}
    lines += [
        f"- written in {measured['written']:.1f} s, {measured['megabytes']:.2f} MB; first view painted after "
        f"{median['first']:.2f} s, drawing library there after {median['ready']:.2f} s (medians of {ROUNDS})",
        f"- two views side by side are both there after at most {both:.0f} ms; slowest single time: {single:.0f} ms",
    ]
    written, size, first, interaction = TARGETS.get(n, (None, None, None, None))
    for what, value, target in (
        ("seconds to write the page", measured["written"], written),
        ("megabytes", measured["megabytes"], size),
        ("seconds to the first view", median["first"], first),
        ("milliseconds of the slowest interaction", slowest, interaction),
    ):
        if target is not None:
            lines.append(verdict(what, value, target, at_least=False))
    return [*lines, ""]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="6 languages only: whether the code runs")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the browser")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    options = parser.parse_args()
    if options.chromium is None:
        sys.exit("No browser: install Debian's package chromium, or give --chromium PATH.")
    from playwright.sync_api import sync_playwright

    lines, measured = [*machine(), ""], {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        lines.insert(-1, f"- browser: Chromium {browser.version}, headless, without a GPU, 1600 × 1000 pixels")
        for n in (6,) if options.quick else tuple(TARGETS):
            with tempfile.TemporaryDirectory() as folder:
                measured[n] = time_size(n, browser, Path(folder))
            lines += report(n, measured[n])
        browser.close()
    finish(lines, options.out, json.loads(json.dumps(measured)))


if __name__ == "__main__":
    main()
