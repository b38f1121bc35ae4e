"""The audit as data: what follows from its numbers, what is missing, and JSON there and back."""

import json

import pytest
from pydantic import ValidationError

from bloodbank.corpus.audit.record import Audit, Foreign, LanguageAudit, Sizes
from made_audits import audit, language, tokens, varied


def test_an_audit_survives_json_with_what_follows_from_it():
    made = varied(8)
    written = json.loads(made.model_dump_json())
    assert written["languages"][0]["fertility"] == made.languages[0].fertility
    assert written["languages"][0]["tokens"]["unique_ratio"] == made.languages[0].tokens.unique_ratio
    assert written["flags"] == made.flags
    assert written["token_correlation"]["n"] == 8
    assert Audit.model_validate(written) == made
    assert Audit.model_validate_json(made.model_dump_json()) == made


def test_what_follows_is_worked_out_again_not_believed():
    written = json.loads(audit("fi").model_dump_json())
    written["flags"] = {"fi": ["short"]}
    written["languages"][0]["fertility"] = 99.0
    assert Audit.model_validate(written) == audit("fi")


def test_ratios_by_hand():
    one = language("fi", tokens=tokens(3_200_000, 8_000, n_unknown=16))
    assert one.tokens.unique_ratio == 0.0025
    assert one.tokens.unknown_rate == 5e-6
    assert one.fertility == 2.0  # 1.6 million words


def test_a_language_of_which_nothing_is_known_is_allowed():
    one = LanguageAudit(code="fi", name="Finnish")
    assert one.fertility == "not computed, because the text is not encoded yet"
    assert one.value("sample", "n_words") == "not computed"
    assert audit(one).flags == {}
    assert audit(one, overlap="not computed").own_overlap("fi") is None


def test_a_ratio_without_one_of_its_parts_says_why():
    reason = "not computed, because it was not asked for"
    assert language("fi", tokens=tokens(n_unknown=reason)).tokens.unknown_rate == reason
    assert language("fi", sample=reason, tokens=tokens()).fertility == reason
    assert language("fi", tokens=tokens(0, 0)).tokens.unknown_rate == (
        "not computed, because there is nothing to divide by"
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"licence_": "MIT"}, "licence_"),
        ({"foreign": "unknown"}, "foreign"),
        ({"foreign": Foreign(by_char=0.1).model_dump() | {"by_char": 1.1}}, "by_char"),
        ({"sample": Sizes().model_dump() | {"n_chars": -1}}, "n_chars"),
        ({"sample": Sizes().model_dump() | {"n_chars": "many"}}, "n_chars"),
        ({"foreign": Foreign().model_dump() | {"by_char": float("nan")}}, "by_char"),
    ],
)
def test_what_an_audit_cannot_say_is_refused(changes, complaint):
    with pytest.raises(ValidationError, match=complaint):
        LanguageAudit.model_validate(language("fi").model_dump() | changes)


@pytest.mark.parametrize("codes", [(), ("fi", "fi")])
def test_an_audit_names_each_language_once(codes):
    with pytest.raises(ValidationError, match="at least one language, and names each once"):
        audit(*codes)


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, []),
        ({"short_parts": ("test",)}, ["short"]),
        ({"foreign": Foreign(by_char=0.05)}, []),
        ({"foreign": Foreign(by_char=0.0501)}, ["foreign"]),
        ({"foreign": Foreign(by_line=0.9)}, []),
        ({"tokens": tokens(1_000, n_unknown=5)}, []),
        ({"tokens": tokens(1_000, n_unknown=6)}, ["unknown"]),
    ],
)
def test_flags_stand_above_limits_only(changes, flags):
    assert audit(language("fi", **changes), "de").flags.get("fi", []) == flags


@pytest.mark.parametrize(
    ("overlap", "flagged"),
    [
        ({"fi": {"fi": 0.01, "de": 0.01}}, []),
        ({"fi": {"fi": 0.02, "de": 0.0}}, ["fi"]),
        ({"fi": {"fi": 0.0, "de": 0.02}}, ["fi"]),  # the test text of fi, whoever has it
        ({"de": {"fi": 0.02}}, ["de"]),
        ("not computed", []),
    ],
)
def test_overlap_is_a_matter_of_the_test_text(overlap, flagged):
    assert list(audit("fi", "de", overlap=overlap).flags) == flagged


def test_the_largest_overlap_leaves_the_language_itself_out():
    made = audit("fi", "de", "sv", overlap={"fi": {"fi": 0.9, "de": 0.1, "sv": 0.2}, "de": {"de": 0.5}})
    assert made.largest_overlap("fi") == ("sv", 0.2)
    assert made.own_overlap("fi") == 0.9
    assert made.largest_overlap("de") is None
    assert made.own_overlap("sv") is None


def test_the_correlation_counts_languages_with_both_numbers_only():
    ones = [language(code, tokens=tokens(n * 1_000, n * n)) for n, code in enumerate(("fi", "de", "sv", "hu", "ru"), 1)]
    assert audit(*ones, "en").token_correlation.n == 5
