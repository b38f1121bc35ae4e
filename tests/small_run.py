"""A small experiment on generated languages, and the command line: in this process, or in one of its own.

Starting Python with torch costs seconds, so only what is about processes (signals, kills, two at a time) starts one.
"""

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from bloodbank.cli import main
from generated import GREEK, sentences

LANGUAGES = {"x-a": {}, "x-b": {"letters": GREEK}, "x-c": {"shuffled": True}}
SETTINGS = """
name = "small"
preset = "quick"
languages = ["x-a", "x-b", "x-c"]
{top}
[corpus]
path = "{{language}}.txt"
budget_chars = 1_500
dev_chars = 200
test_chars = 800
[tokenizer]
vocab_size = 150
alphabet_share = 0.9
[model]
n_layers = 1
hidden_size = 16
feed_forward_size = 16
[training]
epochs = 3
epochs_bilingual = 2
[scoring]
baseline = "alone"
[grid]
include_unhealthy = true
zero_shot = false
{grid}
"""


def write_experiment(folder: Path, *, top: str = "", grid: str = "", languages=LANGUAGES) -> Path:
    """Write texts and an experiment file into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, how) in enumerate(languages.items()):
        text = "\n".join(sentences(300, seed=number, **how)) + "\n"
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    path = folder / "experiment.toml"
    path.write_text(SETTINGS.format(top=top, grid=grid), encoding="utf-8")
    return path


def run_command(*arguments) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit code, output and errors."""
    out, err = io.StringIO(), io.StringIO()
    argv = mock.patch.object(sys, "argv", ["bloodbank", *map(str, arguments)])
    with argv, redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
    return code, out.getvalue(), err.getvalue()


def start_command(*arguments, **options) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, for tests that are about processes."""
    return subprocess.Popen(
        [sys.executable, "-m", "bloodbank.cli", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a command; return its exit code, output and errors."""
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err
