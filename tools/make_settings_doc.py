"""Write docs/settings.md from the settings themselves: `python tools/make_settings_doc.py`."""

from __future__ import annotations

import sys
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bloodbank.experiment.downstream_settings import FinetuneSettings, TaskSettings
from bloodbank.experiment.load import Experiment, presets

NESTED: dict[str, type[BaseModel]] = {
    "downstream.tasks.pos": TaskSettings,
    "downstream.finetune": FinetuneSettings,
}
HEAD = """# Settings

<!-- Made by tools/make_settings_doc.py; a test compares. Do not edit. -->

An experiment file is TOML. Top-level keys stand before the first `[section]`. Unknown keys are refused, with the key
that was probably meant. `preset` fills in what the file does not say; the default column is what holds when neither
says anything, which is the `recommended` preset except where its column says otherwise. `bloodbank run FILE --dry-run`
shows what a file comes to.

`quick` is a small model for a hundred thousand characters and a laptop. `screen` is `quick` with one model a
language and zero-shot scores alone; `calibrate` is `quick` with all controls whose answers are known. `recommended`
is a sound first guess at the paper's size. `paper` has the values of Malkin et al. (2022) and of their released
training script, faults included, for comparison: its tokenizer strips accents (which damages Hindi, Burmese, Japanese
and Korean), one line a row makes updates unequal, and its rate of 5e-5 without warm-up leaves many models on the
unigram plateau.
"""


def main() -> None:
    """Write the file."""
    path = Path(__file__).parents[1] / "docs" / "settings.md"
    path.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


def render() -> str:
    """Return the page."""
    filled = {name: _preset(name) for name in presets()}
    parts = [HEAD, _table("Top level", "", Experiment, filled)]
    for name, field in Experiment.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            parts.append(_table(f"`[{name}]`", f"{name}.", field.annotation, filled))
    for name, section in NESTED.items():
        parts.append(_table(f"`[{name}]`", f"{name}.", section, filled))
    return "\n".join(parts)


def _preset(name: str) -> dict[str, Any]:
    text = resources.files("bloodbank").joinpath("presets", f"{name}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text)))


def _flat(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in content.items():
        pairs += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return pairs


def _table(title: str, prefix: str, model: type[BaseModel], filled: dict[str, dict[str, Any]]) -> str:
    lines = [f"## {title}", "", "| key | default | presets | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            continue
        in_presets = [f"{p}: {_shown(v[prefix + name])}" for p, v in filled.items() if prefix + name in v]
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{name}` | {_default(field)} | {'; '.join(in_presets)} | {meaning} |")
    return "\n".join([*lines, ""])


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else _shown(field.default)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{len(value)} codes" if len(value) > 6 else f"`{list(value)}`"
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:,}`".replace(",", "_")


if __name__ == "__main__":
    main()
