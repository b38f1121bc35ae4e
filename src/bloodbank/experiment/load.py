"""The experiment file: frozen, checked settings, read from TOML on top of a preset.

Reads `experiment.toml`; every other stage gets its settings from the `Experiment` that `load_experiment`
returns. Command: `bloodbank run experiment.toml --dry-run` shows what a file means.
"""

from __future__ import annotations

import os
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import DownstreamSettings, TaskSettings
from bloodbank.experiment.settings import (
    Code,
    Codes,
    CorpusSettings,
    ExecutionSettings,
    GridSettings,
    ModelSettings,
    ScoringSettings,
    Seeds,
    Settings,
    SourceSettings,
    TokenizerSettings,
    TrainingSettings,
)

Preset = Literal["quick", "recommended", "paper", "screen", "calibrate"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
_SECTIONS_WITH_PATHS = {"corpus": "sources", "tokenizer": "", "downstream": "tasks"}  # and what in them has paths too
_BY_NAME = {"sources": SourceSettings, "tasks": TaskSettings}  # dicts of sections
_LIKE = 0.6  # of 1: keys that are less alike are not suggested, as in difflib


class Experiment(Settings):
    """The whole file. Top-level keys stand before the first section."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = Field(
        "experiment", description="Name of the bank; letters, digits, `.`, `_` and `-`"
    )
    preset: Preset = Field("recommended", description="Values for all that the file does not say")
    languages: Annotated[Codes, Field(min_length=2)] = Field(
        ..., description="Codes of the languages of the bank, at least two"
    )
    seeds: Annotated[Seeds, Field(min_length=1)] = Field(
        (0,), description="One whole bank per seed: initial weights, data order, masks, dropout"
    )
    more_seeds: dict[Code, Seeds] = Field(
        {}, description="More seeds for some languages; a cell has the seeds that both its languages have"
    )
    corpus: CorpusSettings = CorpusSettings()
    tokenizer: TokenizerSettings = TokenizerSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    scoring: ScoringSettings = ScoringSettings()
    grid: GridSettings = GridSettings()
    execution: ExecutionSettings = ExecutionSettings()
    downstream: DownstreamSettings = DownstreamSettings()

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        pairs = [code for pair in self.grid.pairs or () for code in pair]
        for where, codes in (
            ("grid.donors", self.grid.donors or ()),
            ("grid.recipients", self.grid.recipients or ()),
            ("grid.pairs", pairs),
            ("grid.sets", [code for languages in self.grid.sets for code in languages]),
            ("more_seeds", self.more_seeds),
            *((f"downstream.{name}", codes) for name, codes in self.downstream.given_sets().items()),
            *((f"downstream.more_sets.{name}", codes) for name, codes in self.downstream.more_sets.items()),
        ):
            unknown = [code for code in codes if code not in self.languages]
            if unknown:
                raise ValueError(f"{where} names {', '.join(unknown)}, which is not among `languages`")
        both = sorted(set(self.tokenizer.extra_languages) & set(self.languages))
        if both:
            raise ValueError(f"tokenizer.extra_languages names {', '.join(both)}, which is among `languages` already")
        _check_sources((*self.languages, *self.tokenizer.extra_languages), self.corpus, self.grid)
        _check_candidates(self.training, self.grid, self.downstream)
        return self

    def seeds_of(self, language: str) -> tuple[int, ...]:
        """Return the seeds with which a language is trained."""
        more = self.more_seeds.get(language, ())
        return self.seeds + tuple(seed for seed in more if seed not in self.seeds)


def _check_sources(named: tuple[str, ...], corpus: CorpusSettings, grid: GridSettings) -> None:
    """Check that every language has a text of its own, and enough of it for the controls."""
    unknown = [code for code in corpus.sources if code not in named]
    if unknown:
        raise ValueError(f"corpus.sources names {', '.join(unknown)}, which is not among `languages`")
    if any(code not in corpus.sources for code in named) and not corpus.names_language():
        raise ValueError('corpus.path must hold `{language}`, as in path = "text/{language}.txt.xz"')
    if corpus.too_little == "smallest":
        if "self" in grid.controls:
            raise ValueError(
                'corpus.too_little = "smallest" leaves no other text for the control `self`: lower '
                "corpus.budget_chars to what every language has twice, or leave `self` out"
            )
        if corpus.budget_tokens is not None:
            raise ValueError(
                'corpus.too_little = "smallest" cuts characters, not tokens: give the budget_tokens that every '
                "language has, which the message of a run with too many names"
            )


def _check_candidates(training: TrainingSettings, grid: GridSettings, downstream: DownstreamSettings) -> None:
    """Check that no model has to know pieces that its last text does not have."""
    asked_by = {
        'grid.protocols = ["zero_shot"]': "zero_shot" in grid.protocols,
        "downstream.tasks": bool(downstream.tasks),
    }
    wants = [key for key, whether in asked_by.items() if whether]
    if training.candidates == "text" and wants:
        raise ValueError(
            'training.candidates = "text" leaves the pieces of other languages untrained, but '
            f'{" and ".join(wants)} asks for them: leave that out, or set training.candidates = "vocabulary"'
        )


def load_experiment(path: Path | str) -> Experiment:
    """Read an experiment file, on top of its preset.

    Args:
        path: A TOML file. Paths in it are relative to its folder.

    Returns:
        Checked settings with absolute paths.

    Raises:
        UsageError: The file is missing, no TOML, or a key or value cannot be used; names file, key and remedy.
    """
    path = Path(path)
    content = read_toml(path)
    preset = content.get("preset", "recommended")
    if preset not in presets():
        raise UsageError(f'{path}: preset = "{preset}" is not known. Allowed: {", ".join(presets())}.')
    return make_experiment(content, where=str(path), base=path.resolve().parent)


def make_experiment(content: dict[str, Any], *, where: str, base: Path) -> Experiment:
    """Check settings that are already in memory; see `load_experiment`.

    Args:
        content: Keys and sections as in the file.
        where: Name for error messages.
        base: Folder that relative paths start from.

    Raises:
        UsageError: A key or value cannot be used.
    """
    merged = _merge(_read_preset(content.get("preset", "recommended")), content)
    for section in _SECTIONS_WITH_PATHS:
        merged = _with_full_paths(merged, section, base)
    try:
        return Experiment.model_validate(merged)
    except ValidationError as error:
        raise UsageError(_explain(error, where)) from None


def _read_preset(name: str) -> dict[str, Any]:
    """Read a preset, on top of the one that it names itself."""
    text = resources.files("bloodbank").joinpath("presets", f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    return _merge(_read_preset(content["preset"]), content) if "preset" in content else content


def _with_full_paths(content: dict[str, Any], key: str, base: Path) -> dict[str, Any]:
    """Make `path` of a section, and of the sources in it, start from a folder; what has another type stays."""
    section = content.get(key)
    if not isinstance(section, dict):
        return content
    changed = dict(section)
    path, bank, inner = section.get("path"), section.get("bank"), section.get(_SECTIONS_WITH_PATHS.get(key, ""))
    if isinstance(path, str) and path:
        changed["path"] = _from(base, path)
    # A bank may be given by its name too: only what is there is a path.
    if isinstance(bank, str) and bank and Path(_from(base, bank)).exists():
        changed["bank"] = _from(base, bank)
    if isinstance(inner, dict):
        for name in inner:
            inner = _with_full_paths(inner, name, base)
        changed[_SECTIONS_WITH_PATHS[key]] = inner
    return {**content, key: changed}


def _from(base: Path, path: str) -> str:
    return str(base / os.path.expanduser(path))  # noqa: PTH111 - never raises


def presets() -> tuple[str, ...]:
    """Return the names of the presets."""
    return PRESETS


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UsageError: It is missing, not text, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file. Give the path of an experiment file (TOML).") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder. Give the path of an experiment file (TOML).") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start}).") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}.") from None


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay `over` on `base`, section by section."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _explain(error: ValidationError, where: str) -> str:
    """Turn pydantic's findings into lines that name the file, the key and what was meant."""
    lines = []
    for finding in error.errors(include_url=False, include_context=False):
        location = [str(part) for part in finding["loc"]]
        key = ".".join(location) or "the file"
        if finding["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown key `{key}`.{_suggest(location)}")
        elif finding["type"] == "missing":
            lines.append(f"{where}: `{key}` is missing.")
        else:
            message = finding["msg"].removeprefix("Value error, ")
            lines.append(f"{where}: `{key}`: {message}.".replace("..", "."))
    return "\n".join(dict.fromkeys(lines))


def _suggest(location: list[str]) -> str:
    """Say which key was meant, or which there are."""
    import difflib

    model: type[BaseModel] = Experiment
    for part in location[:-1]:
        if part not in model.model_fields:  # a language's code, or the name of a task
            continue
        annotation: object = _BY_NAME.get(part) or model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ""
        model = annotation
    prefix = ".".join([*location[:-1], ""])
    here = {prefix + name: name for name in model.model_fields}
    everywhere = here | {
        f"{section}.{name}": name
        for section, field in Experiment.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for name in field.annotation.model_fields
    }

    def likeness(key: str) -> float:
        """Compare with what was written; the same section counts a little."""
        return difflib.SequenceMatcher(None, location[-1], everywhere[key]).ratio() + 0.1 * (key in here)

    meant = max(everywhere, key=likeness)
    hint = f" Did you mean `{meant}`?" if likeness(meant) > _LIKE else ""
    return f"{hint} Allowed here: {', '.join(model.model_fields)}."
