"""The form of a `bank.json`: what stands in it, of which kind, and what is allowed.

Strict, since a bank may come from a stranger: a number is a number and no text, and nothing unknown is let in. What
must agree between the parts is checked in `bloodbank.bank.agreement`. The form is written for the engine of pydantic
itself: models of classes would take 0.11 s to load and build where this takes 0.02, and `show` reads a bank in half a
second.

    content = validate(upgraded(path, pydantic_core.from_json(path.read_bytes())))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic_core import SchemaValidator, ValidationError

from bloodbank.bank.health import CONVERGED, FALLING, RISING, UNKNOWN
from bloodbank.bank.measurements import ALONE, BASELINES, CONTROLS, METRICS, NOT_CHECKED
from bloodbank.bank.reliability import PARTS
from bloodbank.bank.scores import BLOOD_TYPES, LEVELS
from bloodbank.bank.uncertainty.paragraphs import CELL_SCORES
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.experiment.protocols import PROTOCOLS
from bloodbank.statistics.variance_parts import EFFECTS
from bloodbank.wording import shown

FORMAT = "bloodbank bank"
SCHEMA_VERSION = 2


def _to_2(content: dict[str, Any]) -> None:
    content.pop("confounds", None)  # correlations without a test: `analysis.confounding` works them out, with one
    content.update({"baseline": ALONE, "tokens_of_recipient": {}, "reliability": None})


# By version: what turns the content of the one before into it, in place.
UPGRADES: dict[int, Callable[[dict[str, Any]], None]] = {2: _to_2}
SUMS = ("donation", "donation_mean", "recipience", "recipience_mean")
_MOST = 2**53  # of counts and seeds: what a number of JSON holds exactly
ENDLESS = "inf"  # degrees of freedom that are infinite: JSON has no such number

Schema = Any  # of pydantic-core: dictionaries with a "type"


def strict(kind: str, **limits: Any) -> Schema:
    """Allow a value of one kind, and none that could be turned into it."""
    return {"type": kind, "strict": True, **limits}


def one_of(values: Iterable[object]) -> Schema:
    """Allow one of some values."""
    return {"type": "literal", "expected": list(values)}


def number(**limits: float) -> Schema:
    """Allow a finite number within limits, or null where it is missing."""
    return or_null(strict("float", allow_inf_nan=False, **limits))


def or_null(schema: Schema) -> Schema:
    """Allow null too."""
    return {"type": "nullable", "schema": schema}


def either(*choices: Schema) -> Schema:
    """Allow what any of the choices allows."""
    return {"type": "union", "choices": list(choices)}


def list_of(schema: Schema) -> Schema:
    """Allow a list."""
    return strict("list", items_schema=schema)


def square(schema: Schema) -> Schema:
    """Allow rows of cells; `agreement.check_shape` checks how many."""
    return list_of(list_of(schema))


def by_key(keys: Schema, values: Schema) -> Schema:
    """Allow an object with any of some keys."""
    return strict("dict", keys_schema=keys, values_schema=values)


def record(fields: dict[str, Schema]) -> Schema:
    """Allow an object with exactly these fields."""
    required = {
        name: {"type": "typed-dict-field", "schema": schema, "required": True} for name, schema in fields.items()
    }
    return strict("typed-dict", fields=required, extra_behavior="forbid")


def checked(schema: Schema, check: Callable[[Any], Any]) -> Schema:
    """Allow what a function lets through; it raises a ValueError otherwise."""
    return {"type": "function-after", "function": {"type": "no-info", "function": check}, "schema": schema}


def _printable(code: str) -> str:
    if not code or not code.isprintable():
        raise ValueError("allowed is printable text")
    return code


def _with_texts(provenance: dict[str, Any]) -> dict[str, Any]:
    """Check the part of the provenance that is shown: what was assumed when the bank was imported."""
    imported, sources = provenance.get("import", {"file": ""}), provenance.get("covariates", [])
    if not isinstance(imported, dict) or not isinstance(imported.get("file"), str):
        raise ValueError("its `import` must name a file")
    if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
        raise ValueError("its `covariates` must be a list of sources")
    for source in (imported, *sources):
        for name in ("notes", "warnings"):
            texts = source.get(name, [])
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise ValueError(f"its `{name}` must be lists of sentences")
    return provenance


TEXT, FLAG = strict("str"), strict("bool")
WHOLE, COUNT = strict("int", ge=-_MOST, le=_MOST), strict("int", ge=0, le=_MOST)
NUMBER = number()
CODE = checked(TEXT, _printable)
PROTOCOL, METRIC, BLOOD_TYPE = one_of(PROTOCOLS), one_of(METRICS), or_null(one_of(BLOOD_TYPES))
HEALTH = one_of(("healthy", "partly healthy", "unhealthy", "failed", "missing", NOT_CHECKED, UNKNOWN))
DEGREES = either(number(gt=0), one_of([ENDLESS]))

_INTERVALS = {
    "protocol": PROTOCOL,
    "metric": METRIC,
    "level": strict("float", gt=0, lt=1),
    "covers": TEXT,
    "covers_seeds": FLAG,
    "covers_paragraphs": FLAG,
    "n_replicates": strict("int", ge=1, le=1_000_000),
    "cells": by_key(
        one_of(CELL_SCORES),
        record(
            {
                "low": square(NUMBER),
                "high": square(NUMBER),
                "se": square(number(ge=0)),
                "df": square(DEGREES),
                "n_seeds": square(COUNT),
            }
        ),
    ),
    "scores": list_of(
        record(
            {"language": CODE, "score": one_of(SUMS), "estimate": NUMBER, "low": NUMBER, "high": NUMBER}
            | {"se": number(ge=0), "df": DEGREES, "complete": FLAG}
            | {"rank": NUMBER, "rank_low": NUMBER, "rank_high": NUMBER}
        )
    ),
    "types": list_of(
        record(
            {"language": CODE, "blood_type": BLOOD_TYPE}
            | {f"p_{blood_type}": number(ge=0, le=1) for blood_type in BLOOD_TYPES}
        )
    ),
}

_RELIABILITY = {
    "obstacle": TEXT,
    "n_seeds": number(ge=0),
    "parts": by_key(one_of(PARTS), number(ge=0)),
    "scores": list_of(
        record(
            {"effect": one_of(EFFECTS), "seeds_needed": either(number(ge=1), one_of([ENDLESS]))}
            | dict.fromkeys(("of_one_seed", "of_mean", "low", "high"), number(ge=0, le=1))
        )
    ),
}

# See `bank.Bank` for what each is. Matrices are rows in the order of `languages`: donors are rows, recipients columns.
_BANK = {
    "format": one_of([FORMAT]),
    "schema_version": one_of([SCHEMA_VERSION]),
    "name": TEXT,
    "protocol": PROTOCOL,
    "metric": METRIC,
    "higher_is_better": FLAG,
    "include_unhealthy": FLAG,
    "baseline": one_of(BASELINES),
    "tokens_of_recipient": by_key(CODE, strict("float", gt=0, allow_inf_nan=False)),
    "languages": list_of(
        record({"code": CODE, "name": or_null(TEXT), "script": or_null(TEXT), "family": or_null(TEXT)})
    ),
    "finetune_scores": square(NUMBER),
    "differences": square(NUMBER),
    "log_ratios": square(NUMBER),
    "n_seeds": square(COUNT),
    "seed_deviations": square(number(ge=0)),
    "transfer_levels": square(or_null(one_of(LEVELS))),
    "health": square(HEALTH),
    "scores": list_of(
        record(
            {"language": CODE, **dict.fromkeys(SUMS, NUMBER), "donation_complete": FLAG, "recipience_complete": FLAG}
            | {"blood_type": BLOOD_TYPE, "monolingual": NUMBER}
            | {"n_masked": NUMBER, "updates": NUMBER, "tokens_seen": NUMBER, "health": HEALTH}
        )
    ),
    "unhealthy_models": list_of(
        record(
            {"donor": TEXT, "recipient": CODE, "seed": WHOLE, "health": one_of(("unhealthy", "failed"))}
            | {"health_z": NUMBER}
        )
    ),
    "replicates": by_key(strict("str", pattern=r"^\d{1,15}$"), square(NUMBER)),
    "controls": list_of(
        record(
            {"control": one_of(CONTROLS), "donor": CODE, "recipient": CODE, "finetune_score": NUMBER, "n_seeds": COUNT}
        )
    ),
    "convergence": by_key(one_of((CONVERGED, FALLING, RISING, UNKNOWN)), COUNT),
    "unconverged_models": list_of(
        record(
            {"protocol": TEXT, "donor": TEXT, "recipient": CODE, "seed": WHOLE}
            | {"convergence": one_of((FALLING, RISING))}
        )
    ),
    "covariates": by_key(TEXT, by_key(CODE, either(NUMBER, TEXT))),
    "seed_agreement": list_of(
        record(
            {"seed_a": WHOLE, "seed_b": WHOLE, "score": one_of(("finetune_score", "donation", "recipience"))}
            | {"rank_correlation": NUMBER, "n": COUNT}
        )
    ),
    "reliability": or_null(record(_RELIABILITY)),
    "intervals": or_null(record(_INTERVALS)),
    "provenance": checked(by_key(TEXT, {"type": "any"}), _with_texts),
}


@lru_cache(maxsize=1)
def _validator() -> SchemaValidator:
    return SchemaValidator(record(_BANK))


def validate(content: Any) -> dict[str, Any]:
    """Check the form of what a file of the present version holds.

    Returns:
        The content, in the order of the form.

    Raises:
        ValueError: Says where something stands that is not allowed, what it is, and what is allowed.
    """
    try:
        checked_content: dict[str, Any] = _validator().validate_python(content)
    except ValidationError as error:
        raise ValueError(_explain(error)) from None
    return checked_content


def upgraded(path: Path, content: Any) -> dict[str, Any]:
    """Bring what stands in a file to the present version.

    Raises:
        UsageError: It is no bank.
        BloodbankError: It was written by a newer bloodbank.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f"{path} is JSON, but not a bank (its format is not {FORMAT!r}).")
    version = content.get("schema_version")
    if type(version) is not int or version < 1:
        raise UsageError(f"{path} has the schema_version {shown(version)}; a whole number from 1 on was expected.")
    if version > SCHEMA_VERSION:
        raise BloodbankError(
            f"{path} has schema_version {shown(version)}, but this bloodbank reads versions up to {SCHEMA_VERSION}. "
            "Install a newer bloodbank."
        )
    for later in range(version + 1, SCHEMA_VERSION + 1):
        UPGRADES[later](content)
    return content | {"schema_version": SCHEMA_VERSION}


def _explain(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    more = f" ({len(problems) - 1:,} more like it)" if len(problems) > 1 else ""
    if first["type"] == "missing":
        return f"{where} is missing{more}"
    if first["type"] == "extra_forbidden":
        return f"{where} is not known here{more}"
    allowed = first["msg"].removeprefix("Value error, ").replace("Input should be", "allowed is")
    return f"{where} is {shown(first['input'])}: {allowed}{more}"
