import math
from importlib import resources

import numpy as np
import pandas as pd
import pytest

import bloodbank as bb
from bloodbank.analysis.atlas_score import (
    NEVER_REACHED,
    NOT_POSSIBLE,
    REACHED,
    SCORE_NAMES,
    TransferScores,
    average_over_seeds,
    scores_of_runs,
    tokens_to_reach,
)
from bloodbank.cli import app
from bloodbank.errors import UsageError

JOINT, SEQUENTIAL = SCORE_NAMES["joint"], SCORE_NAMES["sequential"]
CODES = ("de", "fi")


def curve(protocol, donor, recipient, points, *, seed=0, phase=0, language=None):
    """Rows of one curve from pairs of tokens and loss."""
    tokens, losses = zip(*points, strict=True)
    keys = {"protocol": protocol, "donor": donor, "recipient": recipient, "seed": seed, "phase": phase}
    return pd.DataFrame(
        {
            **keys,
            "language": language or recipient,
            "updates": range(len(points)),
            "tokens_seen": tokens,
            "loss": losses,
        }
    )


def alone(code, *, seed=0, tokens=1_000, loss=3.0):
    return curve("monolingual", "", code, [(0, 8.0), (10, 7.0), (100, 5.0), (tokens, loss)], seed=seed)


def joint(points, *, seed=0):
    return curve("joint", "de", "fi", points, seed=seed)


def scored(*tables, protocol="joint", **settings):
    found = scores_of_runs(pd.concat(tables), languages=CODES, protocol=protocol, **settings)
    return found.set_index(["donor", "recipient", "seed"])


def test_a_neutral_donor_scores_zero():
    # L_fi(1000) = 3; the joint run is there after exactly 2000 tokens, of which half are fi's.
    found = scored(alone("fi"), joint([(0, 8.0), (200, 5.0), (2_000, 3.0)])).loc[("de", "fi", 0)]
    assert found["budget_tokens"] == 1_000
    assert found["target_loss"] == 3.0
    assert found["tokens_needed"] == pytest.approx(2_000)
    assert found[JOINT] == pytest.approx(0)
    assert found["status"] == REACHED
    assert np.isnan(found["bound"])


def test_a_loss_between_two_points_is_found_on_the_logarithm_of_tokens():
    # From 5 at 100 tokens to 1 at 10 000: 3 is half way, at 1 000 tokens. BTS = -(1000 - 2000) / 1000 = 1.
    found = scored(alone("fi"), joint([(0, 8.0), (100, 5.0), (10_000, 1.0)])).loc[("de", "fi", 0)]
    assert found["tokens_needed"] == pytest.approx(1_000)
    assert found[JOINT] == pytest.approx(1)


def test_a_harmful_donor_scores_below_zero():
    found = scored(alone("fi"), joint([(0, 8.0), (1_000, 5.0), (4_000, 3.0)])).loc[("de", "fi", 0)]
    assert found[JOINT] == pytest.approx(-2)


def test_a_loss_never_reached_leaves_a_bound():
    found = scored(alone("fi"), joint([(0, 8.0), (1_000, 5.0), (2_100, 3.01)])).loc[("de", "fi", 0)]
    assert found["status"] == NEVER_REACHED
    assert np.isnan(found[JOINT])
    assert np.isnan(found["tokens_needed"])
    assert found["bound"] == pytest.approx(-0.1)  # more than 2 100 tokens: below -(2100 - 2000) / 1000


def test_the_first_time_counts_where_a_curve_rises_again():
    found = scored(alone("fi"), joint([(0, 8.0), (500, 3.0), (1_000, 4.0), (2_000, 2.0)])).loc[("de", "fi", 0)]
    assert found["tokens_needed"] == pytest.approx(500)
    assert found[JOINT] == pytest.approx(1.5)


def test_the_tokens_of_the_donors_phase_count_and_the_name_says_so():
    # de read 1 500 tokens on its own; then fi takes 400 to reach 3. σ = 1 900.
    second = curve("sequential", "de", "fi", [(0, 7.0), (400, 3.0), (900, 2.0)], phase=1)
    found = scored(alone("fi"), alone("de", tokens=1_500), second, protocol="sequential")
    assert SEQUENTIAL == "transfer_score_with_donor_tokens"
    assert JOINT not in found
    row = found.loc[("de", "fi", 0)]
    assert row["tokens_needed"] == pytest.approx(1_900)
    assert row[SEQUENTIAL] == pytest.approx(0.1)
    frozen = second.assign(protocol="frozen")
    found = scored(alone("fi"), alone("de", tokens=1_500), frozen, protocol="frozen")
    assert found.loc[("de", "fi", 0), SEQUENTIAL] == pytest.approx(0.1)


def test_a_donor_whose_model_knows_the_language_already():
    second = curve("sequential", "de", "fi", [(0, 2.5), (400, 2.0)], phase=1)
    found = scored(alone("fi"), alone("de", tokens=1_500), second, protocol="sequential")
    assert found.loc[("de", "fi", 0), "tokens_needed"] == 1_500


def test_a_given_budget_is_read_off_the_monolingual_curve():
    # From 5 at 100 to 3 at 1 000 tokens, straight over the logarithm: half way at √(100 × 1000).
    budget = round(math.sqrt(100 * 1_000))
    run = joint([(0, 8.0), (2 * budget, 4.0), (2_000, 3.0)])
    found = scored(alone("fi"), run, budget_tokens=budget).loc[("de", "fi", 0)]
    assert found["target_loss"] == pytest.approx(4, abs=1e-3)
    assert found[JOINT] == pytest.approx(0, abs=0.01)
    assert scored(alone("fi"), run, budget_tokens=100).loc[("de", "fi", 0), "target_loss"] == 5.0
    assert scored(alone("fi"), run, budget_tokens=5).loc[("de", "fi", 0), "target_loss"] == pytest.approx(7.5)
    beyond = scored(alone("fi"), run, budget_tokens=1_001).loc[("de", "fi", 0)]
    assert (beyond["status"], beyond["note"]) == (NOT_POSSIBLE, "the monolingual model of fi read fewer tokens")


@pytest.mark.parametrize(
    ("tables", "protocol", "note"),
    [
        ([joint([(0, 8.0), (10, 2.0)])], "joint", "no loss curve of the monolingual model of fi"),
        (
            [alone("fi"), curve("sequential", "de", "fi", [(0, 8.0), (10, 2.0)], phase=1)],
            "sequential",
            "no loss curve of the donor's own model of de",
        ),
        (
            [alone("fi", loss=9.0), joint([(0, 8.0), (10, 2.0)])],
            "joint",
            "the monolingual model of fi is no better than an untrained one",
        ),
    ],
)
def test_what_is_not_possible_says_why(tables, protocol, note):
    found = scored(*tables, protocol=protocol).loc[("de", "fi", 0)]
    assert (found["status"], found["note"]) == (NOT_POSSIBLE, note)
    assert found[["tokens_needed", "bound", SCORE_NAMES[protocol]]].isna().all()


def test_both_languages_of_a_joint_model_are_scored_on_their_own_dev_text():
    own = [(0, 8.0), (2_000, 3.0)]
    other = [(0, 8.0), (500, 3.0)]
    rows = [
        curve("joint", "de", "fi", own), curve("joint", "de", "fi", other, language="de"),
        curve("joint", "fi", "de", other), curve("joint", "fi", "de", own, language="fi"),
    ]  # fmt: skip
    found = scored(alone("fi"), alone("de"), *rows)
    assert found.loc[("de", "fi", 0), JOINT] == pytest.approx(0)
    assert found.loc[("fi", "de", 0), JOINT] == pytest.approx(1.5)
    assert len(found) == 2


def test_losses_that_are_not_finite_and_points_out_of_order():
    shuffled = joint([(2_000, 3.0), (0, 8.0), (900, math.nan), (200, 5.0)])
    assert scored(alone("fi"), shuffled).loc[("de", "fi", 0), JOINT] == pytest.approx(0)
    twice = joint([(0, 8.0), (200, 5.0), (200, 4.0)])
    with pytest.raises(UsageError, match="curve of de→fi, seed 0, has a point twice"):
        scored(alone("fi"), twice)


def test_seeds_are_averaged_and_a_censored_one_leaves_a_bound():
    reached = [joint([(0, 8.0), (tokens, 3.0)], seed=seed) for seed, tokens in enumerate((1_000, 2_000))]
    never = joint([(0, 8.0), (2_500, 4.0)], seed=2)
    singles = [alone("fi", seed=seed) for seed in range(3)]
    both = average_over_seeds(scored(*singles[:2], *reached).reset_index()).loc[0]
    assert both[JOINT] == pytest.approx(0.5)
    assert np.isnan(both["bound"])
    assert (both["n_seeds"], both["n_censored"]) == (2, 0)
    censored = average_over_seeds(scored(*singles, *reached, never).reset_index()).loc[0]
    assert np.isnan(censored[JOINT])
    assert censored["bound"] == pytest.approx((1 + 0 - 0.5) / 3)
    assert (censored["n_seeds"], censored["n_censored"]) == (3, 1)
    without = average_over_seeds(scored(*reached).reset_index()).loc[0]
    assert without[[JOINT, "bound"]].isna().all()
    assert without["n_seeds"] == 0


def test_tokens_to_reach_by_hand():
    points = np.array([0.0, 100.0, 1_000.0]), np.array([8.0, 4.0, 2.0])
    assert tokens_to_reach(points, 6.0) == pytest.approx(50)  # a straight line from the point at no tokens
    assert tokens_to_reach(points, 4.0) == 100
    assert tokens_to_reach(points, 3.0) == pytest.approx(math.sqrt(100 * 1_000))
    assert tokens_to_reach(points, 9.0) == 0
    assert tokens_to_reach(points, 1.9) == math.inf


def test_errors_name_what_is_wrong():
    with pytest.raises(
        UsageError, match=r"No transfer score is defined for 'zero_shot'. It is for joint, sequential, frozen"
    ):
        scored(alone("fi"), protocol="zero_shot")
    with pytest.raises(
        UsageError, match=r"no loss curve of protocol 'joint' of these languages. There are: monolingual"
    ):
        scored(alone("fi"))
    with pytest.raises(UsageError, match="lacks the columns phase, loss"):
        scored(alone("fi").drop(columns=["phase", "loss"]))
    with pytest.raises(UsageError, match="A budget is a positive number of tokens, but was given as -1"):
        scored(alone("fi"), joint([(0, 8.0)]), budget_tokens=-1)
    empty = pd.DataFrame(columns=alone("fi").columns)
    with pytest.raises(UsageError, match="There are: nothing"):
        scored(empty)


def test_a_bank_and_its_curves_have_scores_and_sentences(tmp_path, capsys):
    folder = resources.files("bloodbank") / "banks" / "help-books"
    scores = bb.transfer_scores(bb.load_bank("help-books"), folder / "loss_curves.csv")
    assert scores.name == SEQUENTIAL
    assert len(scores.pairs) == 12 * 11
    assert len(scores.runs) == 3 * 12 * 11
    with pytest.raises(SystemExit, match="0"):
        app(["bank", "transfer-scores", "help-books", "--table", str(tmp_path / "scores.csv")])
    printed = capsys.readouterr().out
    assert all(line in printed for line in scores.sentences())
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "scores.csv"), scores.pairs, check_dtype=False)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0, 8.0), (1_000, 3.0)], "in 1 of 1 pair, and below in 0."),
        ([(0, 8.0), (3_000, 3.0)], "in 0 of 1 pair, and below in 1."),
        ([(0, 8.0), (2_500, 4.0)], "in 0 of 1 pair, and below in 0; 1 pair never reached the loss in some seed."),
    ],
)
def test_sentences_turn_with_the_scores(points, expected):
    runs = scores_of_runs(pd.concat([alone("fi"), joint(points)]), languages=CODES, protocol="joint")
    assert expected in TransferScores(JOINT, runs, average_over_seeds(runs)).sentences()[0]


def test_curves_that_are_not_there_are_said():
    with pytest.raises(UsageError, match=r"There is no .*nowhere.csv. Give `loss_curves.csv` of the run"):
        bb.transfer_scores(bb.load_bank("help-books"), "nowhere.csv")
