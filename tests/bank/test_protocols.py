"""One table holds several protocols and controls: each gives the bank that it would give alone."""

import pandas as pd
import pytest

from bloodbank.bank import build_bank

CODES = ("de", "fi", "hu")
PROTOCOLS = ("sequential", "joint", "frozen", "zero_shot")


def build(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", **settings})


@pytest.fixture
def everything(make, example_with):
    """Two seeds of four protocols with numbers of their own, some of them unhealthy, and three controls."""
    tables = []
    for seed in (0, 1):
        for place, protocol in enumerate(PROTOCOLS):
            shift = 0.01 * place + 0.003 * seed
            together = {(s, t): 0.2 + shift + 0.03 * CODES.index(s) for s in CODES for t in CODES if s != t}
            health = {("fi", "de"): "unhealthy", ("de", "hu"): "failed"}
            table = example_with(seed=seed, protocol=protocol, together=together, health=health)
            tables.append(table if place == 0 else table[table["donor"] != ""])  # M_t once
        own = {(code, code): 0.3 for code in CODES}
        tables += [make({}, own, protocol=control, seed=seed) for control in ("longer", "self")]
        tables.append(make({}, {("de", "fi"): 0.3}, protocol="shuffled", seed=seed))
    rows = pd.concat(tables, ignore_index=True)
    return rows.assign(convergence=["converged" if place % 3 else "falling" for place in range(len(rows))])


@pytest.mark.parametrize("include_unhealthy", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_protocol_has_the_bank_that_it_has_alone(everything, protocol, include_unhealthy):
    others = [name for name in PROTOCOLS if name != protocol]
    alone = everything[~everything["protocol"].isin(others)]
    settings = {"protocol": protocol, "include_unhealthy": include_unhealthy}
    assert build(everything, **settings) == build(alone, **settings)
    assert build(everything.sample(frac=1, random_state=1), **settings) == build(alone, **settings)


def test_protocols_differ(everything):
    banks = {protocol: build(everything, protocol=protocol) for protocol in PROTOCOLS}
    # hu→fi: 0.26 + 0.01 for each place in the list + 0.0015 on average over seeds, over 0.25
    for place, bank in enumerate(banks.values()):
        assert bank.finetune_scores.loc["hu", "fi"] == pytest.approx((0.0115 + 0.01 * place) / 0.25)
        assert bank.n_seeds.loc["hu", "fi"] == 2
        assert bank.missing_reasons.loc["de", "hu"] == "unhealthy"
        assert len(bank.controls) == 7
    for protocol, bank in banks.items():
        assert bank.blood_types.notna().any() == (protocol != "zero_shot")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_health_is_applied_but_for_zero_shot(everything, protocol):
    counts = build(everything, protocol=protocol).finetune_scores.notna().loc["fi", "de"]
    assert counts == (protocol == "zero_shot")
    asked = build(everything, protocol=protocol, include_unhealthy=True)
    assert asked.finetune_scores.notna().loc["fi", "de"]
    assert asked.finetune_scores.isna().loc["de", "hu"]  # failed


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_unhealthy_monolingual_model_voids_its_column_in_each(everything, protocol):
    sick = (everything["protocol"] == "monolingual") & (everything["recipient"] == "fi")
    rows = everything.assign(health=everything["health"].mask(sick, "unhealthy"))
    assert build(rows, protocol=protocol).finetune_scores["fi"].isna().all()
    assert build(rows, protocol=protocol, include_unhealthy=True).finetune_scores["fi"].notna().sum() == 2
