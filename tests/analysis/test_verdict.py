"""What may be concluded from a bank: every sentence turns with the numbers."""

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bloodbank.analysis.verdict import objections, verdict
from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.controls import COLUMN_TYPES
from bloodbank.bank.covariates import by_language
from bloodbank.bank.scores import matrix
from bloodbank.explorer.view import bank_view
from bloodbank.report.parts import report_parts
from bloodbank.report.terminal import render_bank

CODES = ("de", "en", "es", "fi", "fr", "hu")


def bank_of(noise, n_seeds=3, friends=(("es", "fr"),), order=1.0):
    """A bank of given noise: donors in an order of their own, and friends, who give more to each other."""
    random = np.random.default_rng(3)
    gives = order * 0.05 * np.arange(len(CODES))
    rows = []
    for seed in range(n_seeds):
        for t, recipient in enumerate(CODES):
            rows.append(("monolingual", "", recipient, seed, 0.2))
            for s, donor in enumerate(CODES):
                if s != t:
                    gain = gives[s] + 0.5 * ((donor, recipient) in friends) + noise * random.normal()
                    rows.append(("sequential", donor, recipient, seed, 0.2 * (1 + gain)))
    table = pd.DataFrame(rows, columns=["protocol", "donor", "recipient", "seed", "value"]).assign(
        metric="mrr", n_masked=1_000, standard_error=0.001, updates=1, tokens_seen=1, seconds=1.0, device="cpu",
        health="healthy", health_z=9.0, convergence="converged", unigram=0.05,
    )  # fmt: skip
    return with_intervals(build_bank(table, languages=CODES, name="made-up"))


@pytest.fixture(scope="module")
def clear():
    return bank_of(0.01)


@pytest.fixture(scope="module")
def noise():
    return bank_of(0.3, order=0.0, friends=())


def test_donors_can_be_told_apart_or_not(clear, noise):
    said = verdict(clear).sentences()
    of_mean = clear.reliability.scores.loc["donor_order", "of_mean"]
    assert said[0].startswith(
        f"Donors can be told apart: their order for a recipient has a reliability of {of_mean:.2f}"
    )
    assert "3 seeds" in said[0]
    assert verdict(clear).obstacle == ""
    unsure = verdict(noise)
    assert unsure.sentences()[0].startswith("Nothing can be concluded about donors: their order for a recipient has a")
    assert "the order of donors does not repeat: its reliability is" in unsure.obstacle
    part = bank_of(0.15)
    assert 0.5 <= part.reliability.scores.loc["donor_order", "of_mean"] < 0.8
    assert verdict(part).sentences()[0].startswith("Donors can be told apart in part:")


def test_with_one_seed_nothing_is_concluded():
    one = verdict(bank_of(0.01, n_seeds=1))
    assert one.sentences() == [
        "Nothing can be concluded about donors: how far the order of donors would repeat is not known: there is one "
        "seed, and two are needed.",
        "Who gives most to whom is not known: there is nothing to tell how far other seeds would move a pair.",
        "What to measure: every pair with two seeds or more, as with `seeds = [0, 1, 2]`.",
    ]
    assert one.n_pairs == 0


@pytest.mark.parametrize("friends", [("es", "fr"), ("fi", "hu")])
def test_the_strongest_pair_is_the_one_that_stands_out(friends):
    found = verdict(bank_of(0.01, friends=(friends,)))
    first = found.pairs.iloc[0]
    assert (first["donor"], first["recipient"]) == friends
    assert f"{friends[0]}→{friends[1]} (F +" in found.sentences()[1]
    assert found.n_pairs == 30


def test_leads_are_over_the_other_donors_of_the_recipient(clear):
    first = verdict(clear).pairs.iloc[0]
    column = clear.finetune_scores[first["recipient"]]
    assert first["finetune_score"] == pytest.approx(column[first["donor"]])
    assert first["others"] == pytest.approx(column.drop(first["donor"]).mean())
    assert first["lead"] == pytest.approx(first["finetune_score"] - first["others"])


def test_no_pair_of_pure_noise_stands_out_more_often_than_said():
    named = [len(verdict(bank_of_noise(number)).pairs) > 0 for number in range(20)]
    assert sum(named) <= 4  # one in twenty is expected; five or more come once in 300


def bank_of_noise(number):
    random = np.random.default_rng(number)
    cells = 0.1 * random.normal(size=(3, 6, 6))
    bank = bank_of(0.01)
    replicates = {seed: matrix(np.where(np.eye(6), np.nan, cells[seed]), CODES) for seed in range(3)}
    mean = matrix(np.where(np.eye(6), np.nan, cells.mean(0)), CODES)
    drawn = dataclasses.replace(bank, measurements=None, replicates=replicates, finetune_scores=mean)
    return with_intervals(drawn)


def test_where_no_pair_stands_out_it_is_said(noise):
    found = verdict(noise)
    assert found.pairs.empty
    assert "No pair of 30 gives more than the recipient's other donors beyond measurement error." in found.sentences()
    without = dataclasses.replace(noise, intervals=dataclasses.replace(noise.intervals, replicates=None))
    assert "is not known" in verdict(without).sentences()[1]


def longer(bank, gain):
    rows = [("longer", code, code, gain, 3) for code in CODES]
    return dataclasses.replace(bank, controls=pd.DataFrame(rows, columns=list(COLUMN_TYPES)).astype(COLUMN_TYPES))


def test_longer_training_is_an_objection_where_it_gives_more(clear):
    said = objections(longer(clear, 2.0))
    assert said == ["longer training of M_t alone gives more than donors do on average, for 6 of 6 recipients"]
    assert objections(longer(clear, -2.0)) == []
    assert verdict(longer(clear, 2.0)).sentences()[-1] == f"Against it speaks: {said[0]}."


def test_a_plateau_is_an_objection(clear):
    rows = clear.measurements
    near = dataclasses.replace(clear, measurements=rows.assign(unigram=0.2 / 1.2))
    assert objections(near) == [
        "M_t hardly learned more than the unigram: MRR below 1.5 times its own for de (1.2 times), en (1.2 times), es "
        "(1.2 times), fi (1.2 times), and 2 more"
    ]
    far = dataclasses.replace(clear, measurements=rows.assign(unigram=0.2 / 1.6))
    assert objections(far) == objections(dataclasses.replace(clear, measurements=None)) == []
    unknown = dataclasses.replace(clear, measurements=rows.assign(unigram=""))
    assert objections(unknown) == []


def test_foreign_and_translated_text_are_objections(clear):
    shares = {"foreign_share": dict(zip(CODES, [0.3, 0, 0, 0.01, 0, 0], strict=True))}
    shares["translated_share"] = dict(zip(CODES, [0, 0, 0.2, 0, 0, 0], strict=True))
    bank = dataclasses.replace(clear, covariates=by_language(shares, CODES))
    assert objections(bank) == [
        "more than 5% of the text of de is in other languages",
        "test text of es stands, translated, in training text",
    ]
    none = {name: dict.fromkeys(CODES, 0.0) for name in shares}
    assert objections(dataclasses.replace(clear, covariates=by_language(none, CODES))) == []


def test_one_line_says_what_is_against_a_choice(clear, noise):
    nothing = verdict(clear).against("donor_order", "donation")
    assert nothing.startswith("The bank says nothing against it: reliability of the order of donors ")
    assert f", D {clear.reliability.text('donation')}." in nothing
    against = verdict(noise).against("donor_order")
    assert against.startswith("What the bank says against it: the reliability of the order of donors is only 0.")
    one = verdict(longer(bank_of(0.01, n_seeds=1), 2.0)).against("donation", "recipience")
    assert one.startswith("What the bank says against it: reliability is not known, because there is one seed, and two")
    assert "longer training of M_t alone" in one


def test_terminal_report_and_page_begin_with_the_verdict(clear):
    expected = verdict(clear).sentences()
    console = Console(file=io.StringIO(), width=400)
    console.print(render_bank(clear, 400))
    lines = console.file.getvalue().splitlines()
    assert lines[0] == f"Bank made-up. {expected[0]}"
    assert lines[1 : len(expected)] == expected[1:]
    assert len(expected) <= 5
    first = next(report_parts(clear, None, language="en", features="none"))
    assert list(first.sentences) == expected
    assert bank_view(clear, list(CODES), key="made-up").sentences[: len(expected)] == expected
