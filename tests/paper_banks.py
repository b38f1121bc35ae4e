"""Tables of measurements to test the bank with: one worked by hand, and the released matrix."""

import os
from pathlib import Path

import pandas as pd
import pytest

# Three languages on paper, MRR. ε(M_de) = 0.20, ε(M_fi) = 0.25, ε(M_hu) = 0.40.
# No value equals its mirror image.
#
#   F(de→fi) = (0.30 - 0.25) / 0.25 = +0.20      F(de→hu) = (0.30 - 0.40) / 0.40 = -0.25
#   F(fi→de) = (0.32 - 0.20) / 0.20 = +0.60      F(fi→hu) = (0.38 - 0.40) / 0.40 = -0.05
#   F(hu→de) = (0.19 - 0.20) / 0.20 = -0.05      F(hu→fi) = (0.15 - 0.25) / 0.25 = -0.40
#
#   D(de) = +0.20 - 0.25 = -0.05   R(de) = +0.60 - 0.05 = +0.55   AB+
#   D(fi) = +0.60 - 0.05 = +0.55   R(fi) = +0.20 - 0.40 = -0.20   O
#   D(hu) = -0.05 - 0.40 = -0.45   R(hu) = -0.25 - 0.05 = -0.30   none
ALONE = {"de": 0.20, "fi": 0.25, "hu": 0.40}
TOGETHER = {
    ("de", "fi"): 0.30,
    ("de", "hu"): 0.30,
    ("fi", "de"): 0.32,
    ("fi", "hu"): 0.38,
    ("hu", "de"): 0.19,
    ("hu", "fi"): 0.15,
}
PUBLISHED = "published/mrr_ratio_22x22.csv"


def table(alone, together, *, seed=0, metric="mrr", protocol="sequential", updates=None, health=None):
    """Make a table of measurements; `health` maps a language or a pair to something else than "healthy"."""
    updates, health = updates or {}, health or {}
    cells = [("monolingual", "", code, value) for code, value in alone.items()]
    cells += [(protocol, donor, recipient, value) for (donor, recipient), value in together.items()]
    rows = []
    for kind, donor, recipient, value in cells:
        state = health.get((donor, recipient) if donor else recipient, "healthy")
        rows.append(
            {
                "protocol": kind,
                "donor": donor,
                "recipient": recipient,
                "seed": seed,
                "metric": metric,
                "value": float("nan") if state == "failed" else value,
                "n_masked": 10_000,
                "standard_error": 0.001,
                "updates": updates.get(recipient, 1_000),
                "tokens_seen": 50_000,
                "seconds": 12.5,
                "device": "cpu",
                "gang_size": 1,
                "threads": 1,
                "health": state,
                "health_z": 9.0 if state == "healthy" else 0.5,
            }
        )
    return pd.DataFrame(rows)


@pytest.fixture
def make():
    return table


@pytest.fixture
def paper_example():
    return table(ALONE, TOGETHER)


@pytest.fixture
def example_with():
    """The hand-worked example, with something changed."""

    def build(*, alone=None, together=None, drop=(), **settings):
        pairs = {**TOGETHER, **(together or {})}
        kept = {pair: value for pair, value in pairs.items() if pair not in drop}
        singles = {code: value for code, value in {**ALONE, **(alone or {})}.items() if code not in drop}
        return table(singles, kept, **settings)

    return build


@pytest.fixture(scope="session")
def released():
    """The released matrix of the 22 languages as measurements: ε(M_t) = 1, ε(M_{s,t}) = the ratio."""
    shared = Path(os.environ.get("BLOODBANK_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    path = shared / PUBLISHED
    if not path.is_file():
        pytest.skip(f"the released matrix is not at {path}; set BLOODBANK_SHARED_DATA")
    ratios = pd.read_csv(path, index_col=0, keep_default_na=False).astype(float)
    codes = list(ratios.columns)
    pairs = {(s, t): ratios.loc[s, t] for s in codes for t in codes if s != t}
    return table(dict.fromkeys(codes, 1.0), pairs)
