"""Where a bank comes from, in words, for the page. Nothing is read or written.

provenance_of(bank).lines
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bloodbank.bank.bank import Bank
from bloodbank.bank.cells import listed
from bloodbank.bank.importing import describe_import
from bloodbank.bank.names import plural
from bloodbank.explorer.schema import Provenance


def provenance_of(bank: Bank) -> Provenance:
    """Say where a bank comes from.

    Args:
        bank: The bank.

    Returns:
        Lines on models, machines, versions, tokenizer and text, or on the file that was imported; and the settings.
    """
    known = dict(bank.provenance)
    lines = [*_models(known), *_inputs(known), *describe_import(bank)]
    settings = known.get("settings") or known.get("import")
    return Provenance(
        bank=bank.name,
        lines=lines or ["Nothing is known of where this bank comes from."],
        settings=json.dumps(settings, indent=2, ensure_ascii=False) if settings else "",
    )


def _models(known: Mapping[str, Any]) -> list[str]:
    found = []
    if "n_models" in known:
        devices = listed(known.get("devices", ()))
        threads = listed(known.get("threads", ()))
        where = f", trained and scored on {devices}" if devices else ""
        found.append(f"{plural(int(known['n_models']), 'model')}{where}{f' ({threads} threads)' if threads else ''}.")
    if known.get("versions"):
        found.append(f"Made with {', '.join(f'{name} {version}' for name, version in known['versions'].items())}.")
    return found


def _inputs(known: Mapping[str, Any]) -> list[str]:
    found = []
    if known.get("tokenizer"):
        found.append(f"Tokenizer: {known['tokenizer']} (the hash of what it was made from).")
    if known.get("corpora"):
        keys = ", ".join(f"{code} {key}" for code, key in known["corpora"].items())
        found.append(f"Texts, by the hash of what they were made from: {keys}.")
    return found
