"""Write the page: one HTML file that needs no other file, no server and no network.

Reads banks, and typological features from a CLDF folder or URIEL; writes the file, whole or not at all.

    explore(bank, "bank.html", features="wals/cldf")
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from pydantic_core import PydanticSerializationError

from bloodbank.bank.bank import Bank
from bloodbank.errors import UsageError
from bloodbank.explorer.content import Facts, languages_of, page_data
from bloodbank.explorer.page import page_html
from bloodbank.store import replace_file
from bloodbank.typology import Features, load_features

_NO_URIEL = "No folder of features was given, and the package urielplus (URIEL) is not installed."


def explore(
    banks: Bank | Sequence[Bank],
    path: str | Path,
    *,
    compare_with: Bank | None = None,
    features: Features | str | Path | None = None,
    facts: Facts | None = None,
    title: str | None = None,
) -> Path:
    """Write the page that shows a bank to anyone.

    Args:
        banks: One bank or several: protocols, metrics and budgets of a run, or runs; the first is shown first.
            A bank that has its measurements brings their other metrics along.
        path: The file; its folder is made if missing.
        compare_with: A bank that the first one is compared with.
        features: Typological features, or the CLDF folder that they are read from (WALS, Grambank); by default those of
            URIEL, where the package urielplus is installed, and else none.
        facts: What is known of each language's text: a table with a row for each language, or see `page_data`.
        title: Of the page; by default the name of the first bank.

    Returns:
        The path.

    Raises:
        UsageError: No bank is given, the two that are compared have fewer than two languages in common, the folder of
            features cannot be read, a word cannot be written, or a folder stands where the file is to go.
        BloodbankError: The disk is full or cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Give the name of the file that is to be written, such as page.html.")
    given = [banks] if isinstance(banks, Bank) else list(banks)
    data = page_data(
        given,
        compare_with=compare_with,
        features=_features(languages_of(given), features),
        facts=facts,
        title=title,
    )
    try:
        html = page_html(data)
    except PydanticSerializationError as error:  # half a letter, as a file of someone else's may hold
        raise UsageError(f"A name or a note of the bank is no text that can be written: {error}") from error
    with replace_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8", newline="\n")
    return path


def _features(codes: Sequence[str], features: Features | str | Path | None) -> Features | str:
    if isinstance(features, Features):
        return features
    if features is not None:
        return load_features(codes, features)
    if find_spec("urielplus") is None:
        return _NO_URIEL
    try:
        return load_features(codes)
    except UsageError as error:  # nobody asked for URIEL: its absence is no reason to fail
        return f"No folder of features was given, and URIEL cannot be read: {error}"
