"""The one JSON that the page reads, as validated types: version 1.

Every matrix is `[donor, recipient]` in the order of `PageData.languages`, as a list of
rows, null where a cell is missing. Numbers have six significant digits.

    PageData.model_json_schema()   # for programs; docs/explorer.md has it in words
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Final = "bloodbank page"
SCHEMA_VERSION: Final = 1

Matrix = list[list[float | None]]
Points = list[tuple[float, float] | None]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PageLanguage(_Part):
    """One language: what does not depend on any measurement."""

    code: str
    name: str
    script: str | None  #: English name, such as "Cyrillic"
    family: str | None
    point: tuple[float, float] | None  #: where it stands on the world map, in the projection of `PageData.world`
    coordinates: tuple[float, float] | None  #: degrees north and east
    entry: str | None  #: its id in the source of the features; null where it is absent there
    entry_how: str  #: how it was found there, in words


class Feature(_Part):
    """One typological feature: a category in words for each language of which it is known."""

    id: str
    name: str
    values: list[str]  #: the categories that occur, in the order of words
    of: list[int | None]  #: by language: place in `values`, null where it is not known


class Typology(_Part):
    """Features of the languages, and whose work they are."""

    source: str
    licence: str
    citation: str
    notes: list[str]
    features: list[Feature]


class Score(_Part):
    """D or R of one language, over all languages of the bank."""

    value: float | None  #: the sum
    mean: float | None  #: the same over the number of other languages
    low: float | None  #: measurement interval of the sum
    high: float | None
    rank: float | None  #: 1 is the highest
    rank_low: float | None
    rank_high: float | None
    complete: bool  #: no cell of it is missing


class LanguageScores(_Part):
    """What was measured of one language."""

    donation: Score
    recipience: Score
    blood_type: Literal["O", "A", "AB+", "none"] | None
    type_shares: dict[str, float]  #: blood type -> share of replicates; empty where there are none
    monolingual: float | None  #: ε(M_t), in the unit of the metric
    health: str  #: of its own model
    facts: dict[str, float | str | None]  #: updates, tokens seen, foreign share, fertility, ..., by name
    flags: list[str]  #: what to beware of, in sentences


class Maps(_Part):
    """Two-dimensional maps: languages near each other give, take, or do both alike."""

    rows: Points  #: by what they give
    columns: Points  #: by what they take
    both: Points
    kept: dict[str, float | None]  #: map -> rank correlation of distances on it with those that it shows


class View(_Part):
    """F for one bank, protocol and metric, with all that belongs to it."""

    key: str  #: unique; bank, protocol and metric
    bank: str
    protocol: str
    metric: str
    metric_label: str
    metric_unit: str
    higher_is_better: bool
    finetune: Matrix  #: F, mean over seeds
    low: Matrix | None  #: measurement interval of F; null where nothing is known of the error
    high: Matrix | None
    level: float | None  #: of all intervals, such as 0.95
    covers: str  #: what the intervals cover and what not, in sentences
    difference: Matrix  #: Δε in the unit of the metric; of losses the sign is turned, so that positive is a gain
    n_seeds: list[list[int | None]]  #: null where it was measured, but is not known with how many
    seeds: dict[str, Matrix]  #: seed -> F; empty where seeds are not known
    states: list[str]  #: what `health` points to
    health: list[list[int]]  #: place in `states` of each cell; on the diagonal that of the own model
    missing: list[str]  #: what `reasons` points to
    reasons: list[list[int | None]]  #: why a cell is missing, place in `missing`; null where it is not
    scores: list[LanguageScores]
    maps: Maps
    clusters: dict[str, list[int]]  #: "rows", "columns", "both" -> languages in an order that puts alike side by side
    circle: list[int]  #: languages in the order of the circle on which the graph stands
    sentences: list[str]  #: what to keep in mind of these numbers


class ScoreDifference(_Part):
    """D or R of one language in two banks, over the cells that both have."""

    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None


class Comparison(_Part):
    """Two banks: differences are b - a; `a` is the first view."""

    a: str
    b: str
    languages: list[int]  #: the common ones: places in `PageData.languages`; all below are in this order
    difference: Matrix
    low: Matrix
    high: Matrix
    finetune_a: Matrix
    finetune_b: Matrix
    level: float
    donation: list[ScoreDifference]
    recipience: list[ScoreDifference]
    sentences: list[str]


class World(_Part):
    """Outlines of land, and how degrees become points."""

    source: str
    projection: str
    width: float  #: x runs from -width / 2 to width / 2
    height: float
    land: list[list[float]]  #: each an outline: x, y, x, y, ...
    graticule: list[list[float]]


class Provenance(_Part):
    """Where a bank comes from."""

    bank: str
    lines: list[str]  #: in words
    settings: str  #: JSON with indentation, "" where there is none


class PageData(_Part):
    """Everything on the page."""

    format: Literal["bloodbank page"] = FORMAT
    schema_version: Literal[1] = SCHEMA_VERSION
    title: str
    subtitle: str
    version: str  #: of bloodbank
    languages: list[PageLanguage]
    views: list[View] = Field(min_length=1)  #: the first one is shown first
    typology: Typology | None
    typology_missing: str  #: why there is no typology; "" where there is
    comparison: Comparison | None
    world: World
    citation: list[str]
    provenance: list[Provenance]
    level_borders: list[float]  #: transfer levels in fractions: negative, neutral, positive, very positive
    default_edges: int  #: edges of the graph before anyone asks for more
