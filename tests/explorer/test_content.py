import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import bloodbank as bb
from bloodbank.analysis.comparison import compare
from bloodbank.analysis.graph import circle_order, transfer_graph
from bloodbank.bank.scores import blood_types, donation, recipience
from bloodbank.errors import UsageError
from bloodbank.explorer.content import page_data
from bloodbank.explorer.numbers import plain
from bloodbank.explorer.schema import PageData
from bloodbank.languages import get_language
from explorer.made_pages import big_bank, lone_bank, matrix_bank, page_data_of, rename, small_bank

EVIL = "</script><img src=x onerror=alert(1)>\"'&"
RUSSIAN = {("", "ru")}
CODES = ("de", "fi", "hu", "ru")


@pytest.fixture(scope="module")
def shipped():
    return bb.load_bank("help-books")


@pytest.fixture(scope="module")
def shipped_page(shipped):
    return page_data(shipped)


def array(matrix):
    return np.array(matrix, dtype=float)  # null becomes NaN


def close(matrix, table):
    np.testing.assert_allclose(array(matrix), table.to_numpy(dtype=float), rtol=5.1e-6)


def flags_of(bank, code, **options):
    content = page_data(bank, **options)
    place = [language.code for language in content.languages].index(code)
    return " ".join(content.views[0].scores[place].flags)


def test_the_content_is_what_the_schema_says_and_survives_json(shipped_page):
    text = shipped_page.model_dump_json()
    assert PageData.model_validate_json(text) == shipped_page
    content = json.loads(text)
    assert (content["format"], content["schema_version"]) == ("bloodbank page", 1)
    assert set(content) == set(PageData.model_json_schema()["properties"])
    assert "NaN" not in text


def test_the_numbers_of_a_view_are_those_of_the_bank(shipped, shipped_page):
    view = shipped_page.views[0]
    assert (view.bank, view.protocol, view.metric) == ("help-books", "sequential", "mrr")
    close(view.finetune, shipped.finetune_scores)
    close(view.difference, shipped.differences)
    close(view.low, shipped.intervals.matrix("low"))
    close(view.high, shipped.intervals.matrix("high"))
    assert view.level == 0.95
    assert view.covers == shipped.intervals.covers
    np.testing.assert_array_equal(view.n_seeds, shipped.n_seeds)
    assert list(view.seeds) == ["0", "1", "2"]
    close(view.seeds["2"], shipped.replicates[2])
    seeds = np.ma.masked_invalid([array(one) for one in view.seeds.values()])
    assert np.ma.count_masked(seeds) == sum(table.isna().to_numpy().sum() for table in shipped.replicates.values())
    np.testing.assert_allclose(seeds.mean(axis=0).filled(np.nan), array(view.finetune), atol=3e-6)


def test_scores_follow_from_the_matrix_of_the_view(shipped_page):
    for view in shipped_page.views:
        finetune = pd.DataFrame(array(view.finetune))
        gives, takes = donation(finetune)["sum"], recipience(finetune)["sum"]
        found = pd.DataFrame(
            {"D": [one.donation.value for one in view.scores], "R": [one.recipience.value for one in view.scores]}
        )
        np.testing.assert_allclose(found["D"], gives, rtol=1e-4)
        np.testing.assert_allclose(found["R"], takes, rtol=1e-4)
        assert [one.blood_type for one in view.scores] == blood_types(gives, takes).tolist()
        ranks = gives.rank(ascending=False)
        assert [one.donation.rank for one in view.scores] == ranks.tolist()


def test_intervals_of_scores_are_the_banks(shipped, shipped_page):
    known = shipped.intervals.scores[shipped.intervals.scores["score"] == "recipience"]
    found = pd.DataFrame([one.recipience.model_dump() for one in shipped_page.views[0].scores])
    for column in ("low", "high", "rank", "rank_low", "rank_high"):
        np.testing.assert_allclose(found[column].to_numpy(dtype=float), known[column].to_numpy(dtype=float), rtol=1e-5)
    shares = shipped_page.views[0].scores[1].type_shares
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["O"] == pytest.approx(shipped.intervals.types["p_O"][1])


def test_every_metric_that_was_measured_is_a_view(shipped, shipped_page):
    assert [view.metric for view in shipped_page.views] == ["mrr", "accuracy", "cross_entropy", "bits_per_byte"]
    assert len({view.key for view in shipped_page.views}) == 4
    loss = shipped_page.views[2]
    assert not loss.higher_is_better
    rows = shipped.measurements[(shipped.measurements["metric"] == "cross_entropy")]
    value = rows.set_index(["protocol", "donor", "recipient", "seed"])["value"]
    own = ("monolingual", "") if shipped.baseline == "alone" else (shipped.baseline, "fi")
    gains = [
        (value[(*own, "fi", seed)] - value["sequential", "el", "fi", seed]) / value[(*own, "fi", seed)]
        for seed in range(3)
    ]
    s, t = shipped.languages.index("el"), shipped.languages.index("fi")
    assert loss.finetune[s][t] == pytest.approx(np.mean(gains), rel=1e-5)
    assert loss.low[s][t] < loss.finetune[s][t] < loss.high[s][t]


def test_a_metric_that_is_given_is_not_made_again():
    bank = small_bank(metrics=("mrr", "accuracy"))
    views = page_data(bank).views
    assert [view.metric for view in views] == ["mrr", "accuracy"]
    assert "test paragraphs" in views[0].covers
    assert "None of accuracy were given" in views[1].covers
    other = dataclasses.replace(bank, metric="accuracy")
    assert [view.metric for view in page_data([bank, other]).views] == ["mrr", "accuracy"]


def test_two_banks_of_one_name_have_two_keys():
    views = page_data([small_bank(), small_bank(random=7)]).views
    assert [view.key for view in views] == ["small.sequential.mrr", "small.sequential.mrr.2"]
    assert views[0].finetune != views[1].finetune


def test_the_order_of_the_circle_and_of_clusters_is_of_all_languages(shipped, shipped_page):
    view = shipped_page.views[0]
    graph = transfer_graph(shipped)
    assert [shipped.languages[place] for place in view.circle] == circle_order(graph.nodes, graph.edges)
    for order in view.clusters.values():
        assert sorted(order) == list(range(12))
    assert len(view.maps.rows) == len(view.maps.columns) == len(view.maps.both) == 12


def test_languages_are_those_of_the_table(shipped_page):
    finnish = next(one for one in shipped_page.languages if one.code == "fi")
    known = get_language("fi")
    assert (finnish.name, finnish.script, finnish.family) == ("Finnish", "Latin", "Uralic")
    assert finnish.coordinates == (known.latitude, known.longitude)
    x, y = finnish.point
    assert 0 < x < shipped_page.world.width / 2
    assert 0 < y < shipped_page.world.height / 2


def test_banks_with_different_languages_share_one_list():
    first, second = small_bank(("de", "fi", "hu")), small_bank(("ru", "hu", "fi"), name="other")
    content = page_data([first, second])
    assert [one.code for one in content.languages] == ["de", "fi", "hu", "ru"]
    here, there = content.views
    assert here.finetune[3] == [None] * 4
    assert here.finetune[0][1] == pytest.approx(first.finetune_scores.loc["de", "fi"], rel=1e-5)
    assert there.finetune[3][2] == pytest.approx(second.finetune_scores.loc["ru", "hu"], rel=1e-5)
    assert there.missing[there.reasons[0][1]] == "not in this bank"
    assert there.states[there.health[0][0]] == "not in this bank"
    assert there.reasons[3][2] is None
    assert there.n_seeds[0][1] == 0
    assert there.scores[0].donation.value is None
    assert there.scores[0].flags == ["It is not in this bank."]
    assert there.maps.rows[0] is None
    assert there.maps.rows[3] is not None
    for order in (there.circle, *there.clusters.values()):
        assert sorted(order) == [0, 1, 2, 3]
        assert order[-1] == 0
    assert there.seeds["0"][0] == [None] * 4


def test_missing_cells_say_why():
    bank = small_bank(without={("de", "hu")}, unhealthy={("fi", "de"), ("", "ru")})
    view = page_data(bank).views[0]
    de, fi, hu, ru = range(4)

    def why(s, t):
        return view.missing[view.reasons[s][t]]

    assert why(de, hu) == "not measured"
    assert why(fi, de) == "the bilingual model is unhealthy or failed"
    assert why(de, ru) == "the recipient's own model is unhealthy or failed"
    assert view.reasons[de][fi] is None
    assert view.reasons[de][de] is None
    assert view.states[view.health[ru][ru]] == "unhealthy"
    assert view.states[view.health[fi][de]] == "unhealthy"
    assert view.states[view.health[hu][de]] == "healthy"
    for s, t in ((de, hu), (fi, de), (de, ru)):
        assert view.finetune[s][t] is view.low[s][t] is view.difference[s][t] is None
    assert not view.scores[ru].recipience.complete
    assert view.scores[ru].recipience.value is None
    assert view.scores[hu].recipience.complete is False
    assert any("cells are missing" in sentence for sentence in view.sentences)


def test_flags_follow_from_the_numbers():
    bank = small_bank(without={("de", "hu")}, unhealthy={("fi", "de"), ("", "ru")})
    said = flags_of(bank, "ru")
    assert (
        "Its own model is no better than the unigram distribution (seed 0, 1, 2): so what it receives is void." in said
    )
    assert (
        "3 of 3 cells in which it receives are missing (with an unhealthy or failed own model of the recipient): "
        "there is no R."
    ) in said
    said = flags_of(bank, "de")
    assert (
        "2 of 3 cells in which it gives are missing (1 with an unhealthy or failed own model of the recipient, 1 not "
        "measured): D is 3 times the mean of the 1 measured F."
    ) in said
    assert "1 of 3 cells in which it receives is missing (with an unhealthy or failed bilingual model)" in said
    healthy = flags_of(small_bank(), "ru")
    assert "missing" not in healthy
    assert "own model" not in healthy


def test_unhealthy_models_that_are_counted_are_said_to_be():
    bank = small_bank(unhealthy=RUSSIAN, include_unhealthy=True)
    said = flags_of(bank, "ru")
    assert "what it receives is counted all the same, as was asked for" in said
    assert "missing" not in said
    assert page_data(bank).views[0].finetune[0][3] is not None


@pytest.mark.parametrize(
    ("donor", "expected"),
    [
        ("", "Loss on dev text was still falling when training ended in its own model (seed 1)."),
        ("de", "Loss on dev text was still falling when training ended in 1 model in which it receives."),
    ],
)
def test_unconverged_models_are_flagged(donor, expected):
    bank = small_bank()
    row = {"protocol": "sequential" if donor else "monolingual", "donor": donor, "recipient": "fi", "seed": 1}
    falling = pd.DataFrame([{**row, "convergence": "falling"}])
    assert expected in flags_of(dataclasses.replace(bank, unconverged_models=falling), "fi")
    assert "Loss" not in flags_of(dataclasses.replace(bank, unconverged_models=falling), "de")
    control = falling.assign(protocol="longer", donor="fi")
    assert "Loss" not in flags_of(dataclasses.replace(bank, unconverged_models=control), "fi")


@pytest.mark.parametrize(("share", "flagged"), [(0.051, True), (0.049, False), (np.nan, False)])
def test_much_foreign_text_is_flagged(share, flagged):
    table = pd.DataFrame({"foreign_share": [0.0, share, 0.0, 0.0]}, index=list(CODES))
    said = flags_of(small_bank(covariates=table), "fi")
    assert ("5.1% of the characters of its text are in other languages" in said) is flagged
    assert "other languages" not in flags_of(small_bank(covariates=table), "de")


def test_an_open_blood_type_is_flagged(shipped, shipped_page):
    types = shipped.intervals.types.set_index("language")
    for language, scores in zip(shipped_page.languages, shipped_page.views[0].scores, strict=True):
        settled = types.loc[language.code, ["p_O", "p_A", "p_AB+", "p_none"]].max() >= 0.95
        assert ("Its blood type is open" in " ".join(scores.flags)) is not settled


def test_facts_have_words_and_units():
    table = pd.DataFrame({"foreign_share": 0.01, "fertility": 1.5, "my_column": "text"}, index=list(CODES))
    facts = pd.DataFrame({"speakers (millions)": [5.4]}, index=["fi"])
    content = page_data(small_bank(covariates=table), facts=facts)
    assert content.views[0].scores[1].facts == {
        "masked pieces scored": 10_000, "updates of its own model": 100, "tokens seen by its own model": 5_000,
        "foreign text (share of characters)": 0.01, "fertility (tokens a word)": 1.5, "my column": "text",
        "speakers (millions)": 5.4,
    }  # fmt: skip
    assert "speakers (millions)" not in content.views[0].scores[0].facts


def test_sentences_are_the_banks_own(shipped, shipped_page):
    said = " ".join(shipped_page.views[0].sentences)
    for part in ("F is the gain", "All 132 cells are measured", "Control `longer`", "nhealthy or failed", "seeds"):
        assert part in said
    assert "is a loss, so signs are turned" in " ".join(shipped_page.views[2].sentences)


def test_provenance_is_said_once_for_all_metrics(shipped, shipped_page):
    (only,) = shipped_page.provenance
    trained = shipped.measurements.query("metric == 'mrr' and protocol != 'zero_shot'")
    assert f"{len(trained)} models" in only.lines[0]
    assert json.loads(only.settings) == shipped.provenance["settings"]
    both = page_data(shipped, compare_with=matrix_bank(np.eye(3), ("de", "fi", "hu")))
    assert [one.bank for one in both.provenance] == ["help-books", "theirs"]
    assert "theirs.csv" in " ".join(both.provenance[1].lines)


def test_what_an_imported_matrix_does_not_say_is_not_known():
    cells = np.random.default_rng(0).normal(size=(4, 4)) / 5
    view = page_data(matrix_bank(cells, CODES)).views[0]
    assert view.low is view.high is view.level is None
    assert view.covers.startswith("There are no intervals")
    assert view.seeds == {}
    assert view.n_seeds[0] == [0, None, None, None]
    assert view.difference == [[None] * 4] * 4
    assert view.scores[0].monolingual is None
    assert view.scores[0].type_shares == {}
    assert view.scores[0].donation.low is None
    assert sorted(one.donation.rank for one in view.scores) == [1, 2, 3, 4]
    assert view.states == ["unknown"]
    assert any("Assumed" in sentence for sentence in view.sentences)


def test_one_seed_without_sentence_scores_has_no_intervals():
    bank = small_bank(seeds=(0,), paragraphs=False)
    view = page_data(bank).views[0]
    assert view.low is view.level is None
    assert view.covers == bank.intervals.covers
    assert "There are no intervals" in view.covers
    assert view.n_seeds[0] == [0, 1, 1, 1]


def test_a_comparison_is_that_of_compare():
    first, second = (
        small_bank(("de", "fi", "hu", "ru"), without={("fi", "hu")}),
        small_bank(("sv", "hu", "fi", "de"), random=5, name="other"),
    )
    content = page_data(first, compare_with=second)
    expected = compare(first, second)
    found = content.comparison
    assert (found.a, found.b) == ("small", "other")
    assert (
        [content.languages[place].code for place in found.languages] == list(expected.languages) == ["de", "fi", "hu"]
    )
    close(found.difference, expected.differences)
    close(found.low, expected.difference_low)
    close(found.high, expected.difference_high)
    np.testing.assert_allclose(array(found.finetune_b) - array(found.finetune_a), array(found.difference), atol=3e-6)
    assert found.finetune_b[1][2] is None  # only the second has it
    assert found.donation[0].difference == pytest.approx(expected.scores.loc["de", "donation_difference"], rel=1e-5)
    assert found.recipience[2].a == pytest.approx(expected.scores.loc["hu", "recipience_a"], rel=1e-5)
    assert found.sentences == expected.sentences()
    assert [one.code for one in content.languages] == list(first.languages)  # the second adds none


def test_banks_with_one_common_language_are_not_compared():
    with pytest.raises(UsageError, match="have 1 languages in common; a comparison needs two or more"):
        page_data(small_bank(("de", "fi")), compare_with=small_bank(("fi", "hu"), name="other"))


def test_no_bank_is_said():
    with pytest.raises(UsageError, match="There is no bank to show"):
        page_data([])


def test_subtitle_says_what_differs():
    assert page_data(small_bank()).subtitle.startswith(
        "4 languages; protocol sequential; metric MRR; mean over 3 seeds"
    )
    several = page_data([small_bank(), small_bank(protocol="joint", name="joint")])
    different, by = several.subtitle.split(". ", 1)
    assert different == "4 languages; banks small, joint; protocols sequential, joint; metric MRR"
    assert by.startswith("By MRR (sequential): Donors can be told apart: ")
    assert several.title == "Bank small"
    assert page_data(small_bank(), title="Mine").title == "Mine"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-0.0, 0.0), (1 / 3, 0.333333), (-1234567.8, -1234570.0), (1e-12, 1e-12), (np.nan, None), (np.inf, None),
        (None, None), (np.float64(0.1), 0.1), (True, 1.0), ("3", None), (pd.NA, None),
    ],
)  # fmt: skip
def test_numbers_have_six_digits_and_no_negative_zero(value, expected):
    found = plain(value)
    assert found == expected
    assert found is None or not np.signbit(found) or found < 0


def test_a_negative_zero_of_the_bank_is_written_as_zero():
    cells = np.full((3, 3), -0.0)
    text = page_data(matrix_bank(cells, ("de", "fi", "hu"))).model_dump_json()
    assert "-0.0," not in text
    assert "-0.0]" not in text


def test_one_language():
    content = page_data(lone_bank())
    view = content.views[0]
    assert view.finetune == [[None]]
    assert view.maps.both == [None]
    assert view.clusters["rows"] == view.circle == [0]
    assert view.scores[0].donation.value is None
    PageData.model_validate_json(content.model_dump_json())


def test_words_with_markup_stay_words():
    bank = rename(small_bank(), {"de": EVIL})
    bank = dataclasses.replace(bank, name=EVIL, provenance={"import": {"file": EVIL, "notes": [EVIL], "warnings": []}})
    table = pd.DataFrame({EVIL: [EVIL]}, index=[EVIL])
    content = json.loads(page_data(bank, facts=table, title=EVIL).model_dump_json())
    assert content["title"] == EVIL
    assert content["languages"][0]["code"] == content["languages"][0]["name"] == EVIL
    assert content["languages"][0]["point"] is None
    assert content["views"][0]["scores"][0]["facts"][EVIL] == EVIL
    assert EVIL in content["views"][0]["sentences"]


@pytest.fixture(scope="module")
def large():
    return page_data(big_bank(200))


def test_two_hundred_languages(large):
    assert len(large.languages) == 200
    assert len({one.code for one in large.languages}) == 200
    view = large.views[0]
    assert np.isnan(array(view.finetune)).sum() > 200 + 0.01 * 200**2
    assert sum(point is not None for point in view.maps.both) == 200
    assert large.default_edges == 120
    assert len(large.model_dump_json()) < 3_000_000


def test_defaults_of_the_page(shipped_page):
    assert shipped_page.default_edges == 30
    assert shipped_page.level_borders == [-0.1, 0.1, 0.55]
    assert any("Malkin" in one for one in shipped_page.citation)
    assert page_data_of().typology is None
    assert page_data_of().typology_missing
