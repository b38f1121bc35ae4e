r"""Donors whose place is known beforehand, and where the real donors stand among them.

What a donor brings lies between `shuffled` (0: pieces in random order, no language) and `self` (1: other text of the
recipient, the best donor that there can be). `clone`, the recipient's own text in other symbols, stands between them.

    found = yardstick(bank)
    print(*found.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import CLONE, METRICS, SELF, SHUFFLED, ZERO_SHOT
from bloodbank.wording import MISSING, language_name, listed, plural

KNOWN = (SELF, CLONE, SHUFFLED)  #: best first
_MAX_NAMED = 8


@dataclass(frozen=True, eq=False)
class Yardstick:
    """Log ratios of donors with known answers, and the places of the others.

    Shape:
        `known` has a row for each recipient and a column for each of `KNOWN` that was measured; `places` is
        `[donor, recipient]`, with `clone` as the last row where it was measured.
    """

    known: pd.DataFrame  #: log ratio of scores, positive is a gain; `shuffled` is the mean over its donors
    places: pd.DataFrame  #: 0 is `shuffled`, 1 is `self`; missing without both, or where `self` is not above `shuffled`

    @property
    def out_of_order(self) -> list[str]:
        """Recipients of which a better known answer scored no higher than a worse one."""
        worse = self.known.diff(axis="columns").iloc[:, 1:] >= 0.0
        return [str(code) for code in self.known.index[worse.any(axis="columns")]]

    def sentences(self) -> list[str]:
        """Say whether the known answers come in order, and where the donors stand among them."""
        return _sentences(self)


def yardstick(bank: Bank) -> Yardstick | None:
    """Place each donor of a bank between the controls with known answers.

    Args:
        bank: With two of the controls `self`, `clone` and `shuffled`.

    Returns:
        The places; None where fewer than two of the controls were measured, or for zero-shot scores, whose models
        never trained on the recipient.
    """
    controls = bank.controls[bank.controls["control"].isin(KNOWN)]
    if bank.protocol == ZERO_SHOT or controls["control"].nunique() < 2:
        return None
    known = _log_ratios(controls, bank).pivot_table(index="recipient", columns="control", values="log_ratio")
    order = [code for code in bank.languages if code in known.index]
    known = known.reindex(index=order, columns=[control for control in KNOWN if control in known])
    return Yardstick(known, _places(bank, known))


def _log_ratios(controls: pd.DataFrame, bank: Bank) -> pd.DataFrame:
    """Add what makes gains of unlike size comparable: ln(ε / ε(M_t)), its sign turned for losses."""
    sign = METRICS[bank.metric].sign
    return controls.assign(log_ratio=sign * np.log1p(sign * controls["finetune_score"].astype(float)))


def _places(bank: Bank, known: pd.DataFrame) -> pd.DataFrame:
    gains = bank.log_ratios.reindex(columns=known.index)
    if not {SELF, SHUFFLED} <= set(known):
        return gains * np.nan
    if CLONE in known:
        gains = pd.concat([gains, known[[CLONE]].T])
    length = (known[SELF] - known[SHUFFLED]).where(lambda value: value > 0.0)
    return (gains - known[SHUFFLED]) / length


def _sentences(found: Yardstick) -> list[str]:
    names = " > ".join(map(str, found.known))
    complete = found.known.dropna()
    n = plural(len(complete), "recipient")
    wrong = [code for code in found.out_of_order if code in complete.index]
    if complete.empty:
        return [f"No recipient has all of {listed(list(found.known))}, so that their order is not known."]
    said = [
        f"Known answers ({names}) do not come in this order for {listed(wrong, _MAX_NAMED)} of {n}: there the "
        "measurement does not tell even these donors apart, nor can it tell others."
        if wrong
        else f"Known answers come in their order ({names}) for all of {n}."
    ]
    donors = found.places.drop(index=CLONE, errors="ignore")
    if not donors.notna().to_numpy().any():
        return said
    middle, low, high = (float(np.nanquantile(donors, share)) for share in (0.5, 0.0, 1.0))
    said.append(
        f"Between `shuffled` (0) and `self` (1) of their recipient, donors stand at {middle:.2f} in the middle, the "
        f"lowest at {low:.2f} ({_pair(donors, low)}), the highest at {high:.2f} ({_pair(donors, high)})."
    )
    if CLONE in found.places.index and found.places.loc[CLONE].notna().any():
        clone = found.places.loc[CLONE].to_numpy(dtype=float)
        above = int((donors.max().to_numpy(dtype=float) > clone).sum())
        said.append(
            f"The recipient's own text in other symbols stands at {float(np.nanmedian(clone)):.2f} in the middle; the "
            f"best real donor is above it for {above} of {plural(int((~np.isnan(clone)).sum()), 'recipient')}."
        )
    return said


def _pair(places: pd.DataFrame, value: float) -> str:
    donor, recipient = (int(place[0]) for place in np.nonzero(places.to_numpy() == value))
    return f"{places.index[donor]}→{places.columns[recipient]}"


def yardstick_rows(found: Yardstick) -> tuple[tuple[str, ...], ...]:
    """Lay out the places.

    Args:
        found: What is laid out.

    Returns:
        A header, and a row for each recipient: the place of `clone`, and the donors from the nearest to `self` down.
    """
    rows = [("recipient", "clone", "donors, from the best")]
    for code in found.places:
        places = found.places[code].dropna().sort_values(ascending=False)
        clone = f"{places[CLONE]:.2f}" if CLONE in places else MISSING
        donors = [f"{donor} {place:.2f}" for donor, place in places.drop(CLONE, errors="ignore").items()]
        rows.append((f"{language_name(str(code))} ({code})", clone, ", ".join(donors) or MISSING))
    return tuple(rows)
