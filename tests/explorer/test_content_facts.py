"""What stands beside the scores: typology, and facts of an audit."""

import pandas as pd
import pytest

from bloodbank.corpus.audit.record import Audit, Foreign, LanguageAudit, NearDuplicates, Sizes, Tokens
from bloodbank.explorer.content import page_data
from bloodbank.explorer.facts import facts_of_audit
from bloodbank.explorer.schema import Feature
from bloodbank.typology import Features, load_features
from explorer.made_pages import CODES, rename, small_bank
from shared_data import shared_data


def made_features(rows, **changes):
    """Features by language; those that are not named are known of nobody."""
    table = pd.DataFrame(rows, dtype=object).T
    table = table.where(table.notna(), None).rename_axis(index="language", columns="feature")
    how = pd.DataFrame(
        {"entry": [f"e-{code}" for code in table.index], "filled_from": None, "how": "glottocode x"}, index=table.index
    )
    names = pd.Series({feature: f"Name of {feature}" for feature in table.columns})
    return Features(table, names, how, "Source", "CC BY 4.0", "Somebody. 2020.", ("A note.",), **changes)


def audit(code="fi", *, foreign=0.002, unknown=0, own=0.0, other=0.0, short=()):
    one = LanguageAudit(
        code=code, name="Finnish", short_parts=short, licence="CC BY-SA 4.0", origin="wikipedia",
        sample=Sizes(n_chars=1_000_000, n_words=120_000, n_sentences=9_000),
        tokens=Tokens(n_tokens=240_000, n_unique=3_000, n_unknown=unknown, vocabulary_share=0.4),
        foreign=Foreign(by_line=0.01, by_char=foreign), near_duplicates=NearDuplicates(n=3, share=0.01),
    )  # fmt: skip
    return Audit(
        name="a", budget=1_000_000, budget_unit="characters", sampling="streams", seed=0, languages=(one,),
        overlap={code: {code: own, "de": other}},
    )  # fmt: skip


def test_only_features_that_are_known_of_somebody_are_there():
    features = made_features(
        {"de": {"1A": "SVO", "2A": None, "3A": None}, "fi": {"1A": "SVO", "2A": None, "3A": "two"},
         "hu": {"1A": "free", "2A": None, "3A": None}, "sv": {"1A": "SOV", "2A": "of no language here", "3A": None}}
    )  # fmt: skip
    content = page_data(small_bank(), features=features)
    first, second = content.typology.features
    assert first == Feature(id="1A", name="Name of 1A", values=["SVO", "free"], of=[0, 0, 1, None])
    assert second == Feature(id="3A", name="Name of 3A", values=["two"], of=[None, 0, None, None])
    assert content.typology.notes == ["A note."]
    assert (content.typology.source, content.typology.licence) == ("Source", "CC BY 4.0")
    assert content.typology_missing == ""
    assert content.languages[0].entry == "e-de"
    assert (content.languages[3].entry, content.languages[3].entry_how) == (None, "not asked for")


def test_without_features_it_is_said_why():
    content = page_data(small_bank(), features="nobody gave any")
    assert content.typology is None
    assert content.typology_missing == "nobody gave any"
    assert content.languages[0].entry is None


def test_wals_says_what_it_knows():
    features = load_features(CODES, shared_data("wals", "cldf"))
    content = page_data(small_bank(), features=features)
    order = next(one.model_dump() for one in content.typology.features if one.id == "81A")
    assert order["name"] == "Order of Subject, Object and Verb"
    assert [order["values"][place] for place in order["of"]] == list(features.categories.loc[list(CODES), "81A"])
    assert order["values"][order["of"][1]] == "SVO"
    assert len(content.typology.features) == features.categories.notna().any().sum() < features.categories.shape[1]
    assert content.languages[1].entry == "fin"


def test_a_language_that_the_table_does_not_know_has_no_features():
    bank = rename(small_bank(), {"ru": "not-a-code"})
    content = page_data(bank, features=load_features(bank.languages, shared_data("wals", "cldf")))
    assert {feature.of[3] for feature in content.typology.features} == {None}
    assert "absent" in content.languages[3].entry_how
    assert content.languages[3].family is content.languages[3].script is content.languages[3].point is None


def test_facts_of_an_audit_have_units_in_their_names():
    facts = page_data(small_bank(), facts=facts_of_audit(audit())).views[0].scores[1].facts
    assert facts["training text (characters)"] == 1_000_000
    assert facts["training text (tokens)"] == 240_000
    assert facts["different tokens"] == 3_000
    assert facts["fertility (tokens a word)"] == 2
    assert facts["foreign text (share of characters)"] == 0.002
    assert facts["near duplicates (share of paragraphs)"] == 0.01
    assert facts["licence of the text"] == "CC BY-SA 4.0"
    assert facts["source of the text"] == "wikipedia"


def test_what_an_audit_did_not_compute_is_missing():
    bare = Audit(
        name="a", budget="not computed", budget_unit="tokens", sampling="streams", seed=0,
        languages=(LanguageAudit(code="fi", name="Finnish"),),
    )  # fmt: skip
    scores = page_data(small_bank(), facts=facts_of_audit(bare)).views[0].scores[1]
    assert scores.facts["training text (characters)"] is None
    assert scores.facts["fertility (tokens a word)"] is None
    assert scores.facts["licence of the text"] is None
    assert not [flag for flag in scores.flags if "text" in flag]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"foreign": 0.06}, "6.0% of the characters of its text are in other languages"),
        ({"unknown": 2_400}, "1.0% of its tokens are unknown to the tokenizer."),
        ({"own": 0.02}, "2.0% of the paragraphs of its test text stand in its own training text, too."),
        ({"other": 0.03}, "3.0% of the paragraphs of its test text stand in the training text of de."),
        ({"short": ("train",)}, "Its text is shorter than was asked for: train."),
    ],
)
def test_flags_of_an_audit(changes, expected):
    def said(found):
        return " ".join(page_data(small_bank(), facts=facts_of_audit(found)).views[0].scores[1].flags)

    assert expected in said(audit(**changes))
    assert expected not in said(audit())


def test_foreign_text_is_flagged_once():
    table = pd.DataFrame({"foreign_share": 0.06}, index=list(CODES))
    content = page_data(small_bank(covariates=table), facts=facts_of_audit(audit(foreign=0.06)))
    flags = content.views[0].scores[1].flags
    assert sum("other languages" in flag for flag in flags) == 1


def test_facts_may_differ_between_banks():
    banks = [small_bank(), small_bank(name="larger")]
    first, second = page_data(banks, facts={"larger": facts_of_audit(audit())}).views
    assert "licence of the text" not in first.scores[1].facts
    assert second.scores[1].facts["licence of the text"] == "CC BY-SA 4.0"
