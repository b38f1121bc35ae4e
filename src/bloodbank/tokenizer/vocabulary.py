"""A tokenizer on disk, whoever made it, and what the models need to know of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.errors import UsageError
from bloodbank.store import digest, file_digest

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


@dataclass(frozen=True)
class Vocabulary:
    """What the models need to know of a tokenizer.

    Attributes:
        size: Number of ids.
        pad, unk, cls, sep, mask: Ids of the special pieces.
    """

    size: int
    pad: int
    unk: int
    cls: int
    sep: int
    mask: int

    @property
    def special(self) -> tuple[int, ...]:
        """Ids that are never masked and never predicted; [UNK] too, since it stands for no text."""
        return (self.pad, self.unk, self.cls, self.sep, self.mask)

    @cached_property
    def ordinary(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Ids of the pieces that stand for text. Shape: [size − 5]."""
        return np.setdiff1d(np.arange(self.size), self.special)


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy the files of a tokenizer, so that a folder loads with `AutoTokenizer.from_pretrained`."""
    for name in _FILES:
        if (source / name).exists():
            (folder / name).write_bytes((source / name).read_bytes())


def tokenizer_digest(folder: Path) -> str:
    """Hash a tokenizer that was given by path.

    Raises:
        UsageError: There is none.
    """
    if not (folder / "tokenizer.json").is_file():
        raise UsageError(
            f"tokenizer.path = {folder}: no tokenizer.json there. Give the folder of a fast tokenizer of "
            "Hugging Face (save_pretrained), or the tokenizer folder of a finished run."
        )
    return digest({name: file_digest(folder / name) for name in _FILES if (folder / name).exists()})


def load_tokenizer(folder: Path) -> tuple[Tokenizer, Vocabulary]:
    """Load a tokenizer and the ids of its special pieces.

    Raises:
        UsageError: It cannot be loaded or lacks a piece that masked language modelling needs.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception for any malformed file
        raise UsageError(f"{folder}/tokenizer.json: not a tokenizer: {error}.") from None
    names = _special_names(folder)
    ids = {}
    for role, piece in names.items():
        number = None if piece is None else tokenizer.token_to_id(piece)
        if number is None:
            raise UsageError(
                f"{folder}: the tokenizer has no {role} piece ({piece}). Masked language modelling needs "
                "pad, unk, cls, sep and mask pieces."
            )
        ids[role] = number
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True  # "[MASK]" in a text is text
    return tokenizer, Vocabulary(size=max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1, **ids)


def _special_names(folder: Path) -> dict[str, str | None]:
    """Find what a tokenizer calls its special pieces."""
    declared: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).exists():
            declared |= json.loads((folder / name).read_text(encoding="utf-8"))
    names: dict[str, str | None] = {}
    for role, fallback in SPECIAL.items():
        value = declared.get(f"{role}_token")
        if value is None and role in ("cls", "sep"):
            value = declared.get({"cls": "bos_token", "sep": "eos_token"}[role])
        names[role] = value["content"] if isinstance(value, dict) else value or fallback
    return names
