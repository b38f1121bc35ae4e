"""The table of measurements, as the bank reads it: checked, and cut to one protocol and one metric.

One table may hold several protocols and controls; a bank is made of one protocol, and compared with the controls.

The table has one row for each scored model and metric; the transfer stage writes it.

    rows = select_rows(measurements, languages=("de", "fi", "hu"), protocol="sequential", metric="mrr")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError

MONOLINGUAL = "monolingual"
ZERO_SHOT = "zero_shot"
JOINT = "joint"
EQUAL, LONGER, SELF, CLONE = "equal", "longer", "self", "clone"
OWN_CONTROLS = (EQUAL, LONGER, SELF, CLONE)  # within one language: donor and recipient are the same
SHUFFLED = "shuffled"
CONTROLS = (*OWN_CONTROLS, SHUFFLED)
ALONE = "alone"
BASELINES = (ALONE, EQUAL, LONGER)  #: what F is relative to
#: M_t as each baseline has it.
BASELINE_WORDS = {
    ALONE: "M_t",
    EQUAL: "M_t with as many passes over t as M_{s,t} makes",
    LONGER: "M_t with as many updates as M_{s,t}",
}
HEALTH_STATES = ("healthy", "unhealthy", "failed")
NOT_CHECKED = "not checked"  # the health of a zero-shot score that did not fail
_COLUMNS = (
    "protocol",
    "donor",
    "recipient",
    "seed",
    "metric",
    "value",
    "n_masked",
    "updates",
    "tokens_seen",
    "health",
    "health_z",
)
_KEY = ["protocol", "donor", "recipient", "seed"]


@dataclass(frozen=True)
class Metric:
    """An intrinsic score ε(M, t): how it is called and which way is better."""

    label: str
    unit: str
    higher_is_better: bool

    @property
    def sign(self) -> int:
        """What a difference is multiplied by, so that positive is a gain."""
        return 1 if self.higher_is_better else -1


METRICS = {
    "mrr": Metric("MRR", "0 to 1", higher_is_better=True),
    "accuracy": Metric("accuracy", "0 to 1", higher_is_better=True),
    "cross_entropy": Metric("cross-entropy", "nats", higher_is_better=False),
    "bits_per_byte": Metric("bits per byte", "bits", higher_is_better=False),
}


def read_measurements(path: Path) -> pd.DataFrame:
    """Read the table of measurements of a run."""
    return pd.read_csv(path, keep_default_na=False, na_values={"value": [""], "standard_error": [""], "health_z": [""]})


def select_rows(
    measurements: pd.DataFrame, *, languages: Sequence[str], protocol: str, metric: str, baseline: str = ALONE
) -> pd.DataFrame:
    """Check the table and return the rows that one bank is made of.

    Rows of other languages, protocols and metrics are left out, and so are pairs of a language with itself.

    Returns:
        The monolingual rows and those of `protocol`, with `donor` a string in all of them. With another baseline than
        "alone" the rows of that control stand in place of the monolingual ones, and are called so.

    Raises:
        UsageError: The table cannot be used as asked; the message names the culprit.

    Shape:
        One row for each (protocol, donor, recipient, seed).
    """
    _check_languages(languages)
    table = _of_metric(measurements, metric)
    _check_protocol(table, protocol)
    table = _on_baseline(table, baseline, protocol)
    table = table[table["protocol"].isin([MONOLINGUAL, protocol])]
    rows = table[
        table["recipient"].isin(languages)
        & ((table["protocol"] == MONOLINGUAL) | table["donor"].isin(languages))
        & (table["donor"] != table["recipient"])
    ]
    if (rows["protocol"] == protocol).sum() == 0:
        message = f"No row of protocol {protocol!r} is about two of the languages {', '.join(languages)}."
        raise UsageError(f"{message} Measured recipients are: {_listed(table['recipient'])}.")
    return _checked(rows)


def _on_baseline(table: pd.DataFrame, baseline: str, protocol: str) -> pd.DataFrame:
    """Put the models that F is relative to in place of the monolingual ones."""
    if baseline not in BASELINES:
        raise UsageError(f"Unknown baseline {baseline!r}. Known are {', '.join(BASELINES)}.")
    if baseline == ALONE:
        return table
    if protocol == ZERO_SHOT:
        raise UsageError(
            f"The baseline {baseline!r} is for protocols whose models train on the recipient; a zero_shot score is "
            f"compared with M_t itself. Leave it out, or give {ALONE!r}."
        )
    own = table["protocol"] == baseline
    if not own.any():
        recipients = _listed(table.loc[table["protocol"] == protocol, "recipient"])
        raise UsageError(
            f"The baseline {baseline!r} needs the control `{baseline}` ({BASELINE_WORDS[baseline]}), which was "
            f"not measured of {recipients}. Add it to grid.controls and run again, or give the baseline {ALONE!r}."
        )
    renamed = table.assign(donor=table["donor"].mask(own, ""), protocol=table["protocol"].mask(own, MONOLINGUAL))
    return renamed[own | (table["protocol"] != MONOLINGUAL)]


def select_controls(
    measurements: pd.DataFrame, *, languages: Sequence[str], protocol: str, metric: str, baseline: str = ALONE
) -> pd.DataFrame:
    """Check the rows of the controls and return those that a bank is compared with.

    Returns:
        The rows of `CONTROLS`, those of `OWN_CONTROLS` with the recipient as donor, but for one that is the baseline;
        none where none was measured.

    Raises:
        UsageError: A control has the wrong kind of donor, or measures a cell twice.

    Shape:
        One row for each (control, donor, recipient, seed).
    """
    table = _of_metric(measurements, metric)
    kinds = [control for control in CONTROLS if control not in (protocol, baseline)]
    table = table[table["protocol"].isin(kinds)]
    rows = table[table["recipient"].isin(languages) & table["donor"].isin(languages)]
    within = rows["protocol"].isin(OWN_CONTROLS)
    wrong = rows[within != (rows["donor"] == rows["recipient"])]
    if not wrong.empty:
        first = wrong.iloc[0]
        expected = "another language" if first["protocol"] == SHUFFLED else "the recipient itself"
        raise UsageError(
            f"The control {first['protocol']} {first['donor']}→{first['recipient']} has the wrong donor: "
            f"its donor is {expected}."
        )
    return _checked(rows)


def counted(rows: pd.DataFrame, *, include_unhealthy: bool) -> pd.Series[bool]:
    """Say which rows count as measured: failed ones never do, unhealthy ones only when asked for.

    A `zero_shot` score is made to be low, so that the health check does not apply to it.

    Returns:
        True where the row's value may be used.

    Shape:
        One entry for each row.
    """
    allowed = ["healthy", NOT_CHECKED, *(["unhealthy"] if include_unhealthy else [])]
    return rows["health"].isin(allowed) & np.isfinite(rows["value"].astype(float))


def _of_metric(measurements: pd.DataFrame, metric: str) -> pd.DataFrame:
    _check_columns(measurements)
    _check_present(measurements, "metric", metric, list(METRICS))
    table = measurements[measurements["metric"] == metric]
    return table.assign(donor=table["donor"].fillna("").astype(str))


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    unchecked = (rows["protocol"] == ZERO_SHOT) & (rows["health"] != "failed")  # whatever the table says of them
    rows = rows.assign(health=rows["health"].mask(unchecked, NOT_CHECKED))
    _check_health(rows[~unchecked])
    _check_unique(rows)
    return rows.sort_values(_KEY)  # so that no sum depends on the order in which models were scored


def _check_languages(languages: Sequence[str]) -> None:
    if len(languages) < 2:
        raise UsageError(f"A bank needs two languages or more, but was given {len(languages)}.")
    repeated = sorted({code for code in languages if list(languages).count(code) > 1})
    if repeated:
        raise UsageError(f"These languages are named more than once: {', '.join(repeated)}. Name each once.")


def _check_protocol(table: pd.DataFrame, protocol: str) -> None:
    pairs = table[~table["protocol"].isin([MONOLINGUAL, *OWN_CONTROLS])]
    if protocol in OWN_CONTROLS:
        raise UsageError(
            f"{protocol!r} is a control within one language, and no bank can be made of it. "
            f"Measured here: {_listed(pairs['protocol'])}."
        )
    _check_present(pairs, "protocol", protocol)


def _check_columns(measurements: pd.DataFrame) -> None:
    missing = [column for column in _COLUMNS if column not in measurements.columns]
    if missing:
        raise UsageError(
            f"The table of measurements lacks the columns {', '.join(missing)}. It needs {', '.join(_COLUMNS)}."
        )
    if measurements.empty:
        raise UsageError("The table of measurements is empty. Run the transfer stage first.")


def _check_present(table: pd.DataFrame, column: str, wanted: str, known: Sequence[str] = ()) -> None:
    if known and wanted not in known:
        raise UsageError(
            f"Unknown {column} {wanted!r}. Known are {', '.join(known)}; measured here: {_listed(table[column])}."
        )
    if not (table[column] == wanted).any():
        raise UsageError(
            f"No measurement of {column} {wanted!r}. Measured here: {_listed(table[column])}. "
            "Choose one of these, or measure it first."
        )


def _check_health(rows: pd.DataFrame) -> None:
    unknown = rows.loc[~rows["health"].isin(HEALTH_STATES), "health"]
    if not unknown.empty:
        raise UsageError(f"Unknown health {unknown.iloc[0]!r}. Allowed are {', '.join(HEALTH_STATES)}.")


def _check_unique(rows: pd.DataFrame) -> None:
    repeated = rows[rows.duplicated(_KEY, keep=False)]
    if repeated.empty:
        return
    first = repeated.iloc[0]
    cell = first["recipient"] if first["protocol"] == MONOLINGUAL else f"{first['donor']}→{first['recipient']}"
    raise UsageError(
        f"{len(repeated)} rows measure a cell that another row measures too; the first is "
        f"{first['protocol']} {cell}, seed {first['seed']}. "
        "Keep one row for each protocol, donor, recipient, seed and metric."
    )


def _listed(values: pd.Series[str]) -> str:
    return ", ".join(sorted({str(value) for value in values})) or "nothing"
