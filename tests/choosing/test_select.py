"""Sets by D and R: the paper's from its own matrix, constraints, and why each language is in or out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.bank.scores import donation, matrix, recipience
from bloodbank.choosing.diversity import Diversity
from bloodbank.choosing.select import SETS, select_sets, selection_lines, selection_table, split_choice
from bloodbank.errors import UsageError
from shared_data import shared_data

# D falls from a to f, R rises: worked on paper.
SCORES = pd.DataFrame(
    {"donation": [3.0, 2.0, 1.0, 0.5, -1.0, -2.0], "recipience": [-3.0, -2.0, -1.0, 0.0, 2.0, 5.0]},
    index=["ar", "de", "fi", "hu", "ja", "ru"],
)


def members(sets):
    return {one.name: " ".join(one.languages) for one in sets}


def reasons(sets, name, decision="skipped"):
    rows = next(one for one in sets if one.name == name).decisions
    rows = rows[rows["decision"] == decision]
    return dict(zip(rows["language"], rows["reason"], strict=True))


@pytest.fixture(scope="module")
def published():
    ratios = pd.read_csv(shared_data("published", "mrr_ratio_22x22.csv"), index_col=0, keep_default_na=False)
    cells = ratios.to_numpy(dtype=float) - 1
    np.fill_diagonal(cells, np.nan)
    return matrix(cells, list(ratios.columns))


def test_the_papers_sets_are_what_is_left_when_its_choices_are_given(published):
    """The paper left out zh, cy and ko for diversity, kept ne from its recipients, and drew one set by hand."""
    sets = select_sets(
        published,
        order=["most_donating", "most_recipient", "least_donating", "least_recipient", "random"],
        exclude={"most_donating": ["zh", "cy", "ko"], "most_recipient": ["ne"]},
        include={"random": ["he", "ga", "fr", "sv"]},
    )
    found = {name: set(codes.split()) for name, codes in members(sets).items()}
    assert found == {
        "most_donating": {"ja", "te", "fi", "ru"},
        "most_recipient": {"hi", "de", "hu"},
        "least_donating": {"ne", "my", "hy", "en"},
        "least_recipient": {"ar", "el", "ta"},
        "random": {"he", "ga", "fr", "sv"},
    }
    sums = {one.name: one.donation for one in sets}
    assert [round(sums[name], 2) for name in ("most_donating", "random", "least_donating")] == [14.28, 6.18, 0.39]


def test_left_to_itself_the_choice_is_another_one(published):
    sets = select_sets(published)
    assert members(sets)["most_donating"] == "ja zh cy te"
    assert members(sets)["least_donating"] == "de hi hy en"
    assert members(sets)["most_recipient"] == "ne hu he"
    assert members(sets)["least_recipient"] == "ar el fi"
    assert reasons(sets, "most_recipient")["hi"] == "already in least donating"
    # No limit per family or script leaves out what the paper left out.
    for limits in (Diversity(max_per_family=1), Diversity(max_per_script=1)):
        alone = select_sets(published, diversity=limits, sizes={"most_donating": 4})
        assert members(alone) == {"most_donating": "ja zh cy te"}


def test_sets_on_paper():
    sets = select_sets(SCORES, sizes={"most_donating": 2, "least_donating": 2, "most_recipient": 1})
    assert members(sets) == {"most_donating": "ar de", "least_donating": "ru ja", "most_recipient": "hu"}
    assert [(one.donation, one.recipience) for one in sets] == [(5.0, -5.0), (-3.0, 7.0), (0.5, 0.0)]
    table = selection_table(sets)
    assert list(table.columns) == ["set", "place", "language", "decision", "score", "rank", "reason"]
    assert table[table["set"] == "least_donating"][["place", "language", "score", "rank"]].to_numpy().tolist() == [
        [1, "ru", -2.0, 6], [2, "ja", -1.0, 5],
    ]  # fmt: skip
    assert reasons(sets, "most_donating", "picked") == {"ar": "D = +3.00, rank 1 of 6", "de": "D = +2.00, rank 2 of 6"}
    assert reasons(sets, "most_recipient") == {
        "ru": "already in least donating", "ja": "already in least donating",
    }  # fmt: skip


def test_who_picks_first_is_a_setting():
    sizes = {"least_donating": 2, "most_recipient": 2}
    first = select_sets(SCORES, sizes=sizes, order=["least_donating", "most_recipient"])
    second = select_sets(SCORES, sizes=sizes, order=["most_recipient", "least_donating"])
    assert members(first) == {"least_donating": "ru ja", "most_recipient": "hu fi"}
    assert members(second) == {"most_recipient": "ru ja", "least_donating": "hu fi"}


def test_f_gives_the_same_sets_as_its_d_and_r():
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(8, 8))
    np.fill_diagonal(cells, np.nan)
    finetune = matrix(cells, ["ar", "de", "el", "fi", "hu", "ja", "ru", "sv"])
    finetune.iloc[0, 1] = np.nan
    scores = pd.DataFrame({"donation": donation(finetune)["sum"], "recipience": recipience(finetune)["sum"]})
    sizes = dict.fromkeys(SETS, 1)
    assert members(select_sets(finetune, sizes=sizes)) == members(select_sets(scores, sizes=sizes))


def test_a_language_without_a_score_is_skipped_with_the_reason():
    scores = SCORES.copy()
    scores.loc["ar"] = np.nan
    scores.loc["de", "donation"] = np.nan
    sets = select_sets(scores, sizes={"most_donating": 1})
    assert members(sets) == {"most_donating": "fi"}
    with pytest.raises(UsageError, match=r"de: no D: nothing was measured"):
        select_sets(scores, sizes={"most_donating": 5})
    drawn = select_sets(scores, sizes={"random": 5})
    assert set(drawn[0].languages) == {"de", "fi", "hu", "ja", "ru"}
    with pytest.raises(UsageError, match=r"ar: nothing was measured of it"):
        select_sets(scores, sizes={"random": 6})


def test_limits_skip_and_say_why():
    sets = select_sets(SCORES, sizes={"most_donating": 4}, diversity=Diversity(max_per_family=1))
    assert members(sets) == {"most_donating": "ar de fi ja"}
    assert reasons(sets, "most_donating") == {"hu": "family Uralic already has 1 (fi)"}
    with pytest.raises(UsageError) as caught:
        select_sets(SCORES, sizes={"most_donating": 5}, diversity=Diversity(max_per_family=1))
    assert "Only 4 of 5 languages are left for most donating (hu: family Uralic" in str(caught.value)
    assert "ru: family Indo-European already has 1 (de)" in str(caught.value)


def test_languages_kept_in_come_first_and_are_not_free_for_others():
    sets = select_sets(
        SCORES, sizes={"most_donating": 2, "least_donating": 2}, include={"least_donating": ["ar"], "first": ["ja"]}
    )
    assert members(sets) == {"most_donating": "ja de", "least_donating": "ar ru"}
    assert reasons(sets, "most_donating") == {"ar": "kept for least donating"}
    assert reasons(sets, "most_donating", "kept in") == {"ja": "kept in as asked; D = -1.00, rank 5 of 6"}
    assert members(select_sets(SCORES, sizes={"most_donating": 2}, include=["ru"])) == {"most_donating": "ru ar"}


def test_languages_kept_in_count_for_the_limits():
    limits = Diversity(max_per_family=1)
    sets = select_sets(SCORES, sizes={"most_donating": 3}, include=["hu"], diversity=limits)
    assert members(sets) == {"most_donating": "hu ar de"}
    with pytest.raises(UsageError, match=r"hu is to be kept in, but family Uralic already has 1 \(fi\)"):
        select_sets(SCORES, sizes={"most_donating": 3}, include=["fi", "hu"], diversity=limits)


def test_languages_kept_out_of_one_set_are_free_for_another():
    sets = select_sets(
        SCORES, sizes={"most_donating": 1, "least_recipient": 1}, exclude={"most_donating": ["ar"], "all": ["de"]}
    )
    assert members(sets) == {"most_donating": "fi", "least_recipient": "ar"}
    assert reasons(sets, "most_donating") == {"ar": "excluded from most donating as asked", "de": "excluded as asked"}


def test_the_random_set_depends_on_its_seed_alone():
    drawn = [select_sets(SCORES, sizes={"random": 3}, seed=seed)[0].languages for seed in range(20)]
    assert drawn == [select_sets(SCORES.iloc[::-1], sizes={"random": 3}, seed=seed)[0].languages for seed in range(20)]
    assert len(set(drawn)) > 10
    assert reasons(select_sets(SCORES, sizes={"random": 1}, seed=3), "random", "picked").popitem()[1] == (
        "drawn at random, seed 3"
    )


def test_sentences_follow_the_choice():
    lines = selection_lines(select_sets(SCORES, sizes={"most_donating": 2}, exclude=["ar"]))
    assert lines == [
        "Most donating: de fi (sum of D +3.00, sum of R -3.00).",
        "  Picked: de (D = +2.00, rank 2 of 6); fi (D = +1.00, rank 3 of 6).",
        "  Skipped: ar (excluded as asked).",
        "Sums of D and R are scores of the bank over all its languages, not gains in any metric.",
    ]
    other = selection_lines(select_sets(-SCORES, sizes={"most_donating": 2}))
    assert other[0] == "Most donating: ru ja (sum of D +3.00, sum of R -7.00)."
    assert not any("Skipped" in line for line in other)


def test_choices_of_a_command_line_are_read():
    assert split_choice(["zh, cy,ko", "most-recipient:ne"], every="all") == {
        "all": ["zh", "cy", "ko"], "most_recipient": ["ne"],
    }  # fmt: skip
    assert split_choice([], every="all") == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"order": ["most_donating", "best"]}, r"Unknown set 'best'\. Known: most_donating, least_donating"),
        ({"order": ["random", "random"]}, r"A set is named twice, or none is"),
        ({"order": []}, r"A set is named twice, or none is"),
        ({"sizes": {"most_donating": 0}}, r"most donating is to have 0 languages; a set has at least 1"),
        ({"sizes": {"random": 2}, "order": ["most_donating"]}, r"random has a size and no place in the picking order"),
        ({"include": {"most_donating": ["zz"]}}, r"include: 'zz' is not measured here\. Measured: ar, de, fi, hu"),
        ({"exclude": "ar"}, r"exclude is a list of codes, not one text: 'ar'"),
        ({"exclude": {"worst": ["ar"]}}, r"exclude names the set 'worst', which is not formed\. Formed: most_donating"),
        ({"sizes": 1, "include": ["ar", "de"]}, r"2 languages are kept in most donating, which has only 1"),
        ({"sizes": 1, "include": ["ar"], "exclude": ["ar"]}, r"ar is both kept in and kept out of most donating"),
        (
            {"sizes": 1, "include": {"most_donating": ["ar"], "random": ["ar"]}},
            r"ar is kept in most donating and in random; the sets are disjoint",
        ),
        ({"sizes": 2}, r"Only 0 of 2 languages are left for least recipient \(.*already in most donating"),
    ],
)
def test_impossible_wishes_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        select_sets(SCORES, **given)


def test_wrong_tables_are_refused():
    with pytest.raises(UsageError, match=r"Give F .* or a table with donation and recipience"):
        select_sets(SCORES[["donation"]])
    with pytest.raises(UsageError, match=r"Languages given twice: ar\."):
        select_sets(pd.concat([SCORES, SCORES.iloc[:1]]))


tables = st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=6, max_size=9).map(
    lambda rows: pd.DataFrame(
        rows,
        columns=["donation", "recipience"],
        index=["ar", "de", "el", "fi", "hu", "ja", "ko", "ru", "sv"][: len(rows)],
    ).astype(float)
)


@given(tables, st.randoms(use_true_random=False))
def test_sets_are_disjoint_and_do_not_depend_on_the_order_of_languages(scores, random):
    first = select_sets(scores, sizes=1)
    assert len({code for one in first for code in one.languages}) == 5
    shuffled = scores.loc[random.sample(list(scores.index), len(scores))]
    assert members(select_sets(shuffled, sizes=1)) == members(first)


@given(tables, st.integers(1, 6))
def test_the_most_donating_set_has_the_largest_sum(scores, size):
    best = select_sets(scores, sizes={"most_donating": size})[0]
    worst = select_sets(scores, sizes={"least_donating": size})[0]
    assert best.donation == scores["donation"].nlargest(size).sum()
    assert worst.donation == scores["donation"].nsmallest(size).sum()


@given(tables, st.data())
def test_giving_more_never_costs_a_language_its_place(scores, data):
    best = select_sets(scores, sizes={"most_donating": 3})[0]
    winner = data.draw(st.sampled_from(best.languages))
    raised = scores.copy()
    raised.loc[winner, "donation"] += 1
    assert winner in select_sets(raised, sizes={"most_donating": 3})[0].languages
