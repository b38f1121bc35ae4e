"""Every sentence follows from the numbers: opposite numbers give another one."""

import pytest

from bloodbank.corpus.audit.record import Foreign, NearDuplicates
from bloodbank.corpus.audit.sentences import findings, missing_numbers
from bloodbank.corpus.scripts import ScriptMix
from made_audits import audit, distance, language, sizes, tokens

REASON = "not computed, because it was not asked for"


def said(made, word):
    """Return the sentences that hold a word."""
    return [sentence for sentence in findings(made) if word in sentence]


def test_budgets():
    assert said(audit("fi", "de"), "budget") == ["Every language has its budget of 10,000,000 characters."]
    assert said(audit("fi"), "budget") == ["The one language has its budget of 10,000,000 characters."]
    short = language("pms", short_parts=("train", "test"))
    assert said(audit("fi", short), "budget") == ["Short of the budget of 10,000,000 characters: pms (train, test)."]
    unknown = said(audit("fi", language("de", sample=REASON)), "budget")
    assert unknown == [
        "None is known to be short of the budget of 10,000,000 characters; the size of 1 of 2 is not known."
    ]


def test_foreign_text_above_the_limit_is_named_with_its_language_worst_first():
    fi = language("fi", foreign=Foreign(by_char=0.581, languages={"en": 0.58}))
    hi = language("hi", foreign=Foreign(by_char=0.93, languages={"en": 0.6, "ne": 0.3, "de": 0.03}))
    assert said(audit("de", fi, hi), "Foreign") == [
        "Foreign text above 5% of the characters in: hi (93.0%: 60.0% en, 30.0% ne, 3.0% de), fi (58.1% en)."
    ]


def test_little_or_no_foreign_text_is_said_to_be_little_or_none():
    sv = language("sv", foreign=Foreign(by_char=0.012, languages={}))
    assert said(audit("fi", sv), "Foreign") == [
        "Foreign text is at most 5% of the characters in every language measured; most in sv (1.2%)."
    ]
    clean = [language(code, foreign=Foreign(by_char=0.0)) for code in ("fi", "sv")]
    assert said(audit(*clean), "oreign text") == ["No foreign text was found."]
    assert said(audit(language("fi", foreign=REASON)), "Foreign") == ["Foreign text was not measured."]


def test_scripts():
    def mixed(code, outside):
        return language(code, scripts=ScriptMix(n_letters=9, shares={"Latn": 1.0}, expected=("Latn",), outside=outside))

    assert said(audit("fi"), "script") == ["No letter is in another script than the language's."]
    assert said(audit(mixed("zh", 0.29), mixed("ja", 0.16), "fi"), "scripts") == [
        "Letters in other scripts than the language's, above 10%: zh (29.0%), ja (16.0%)."
    ]
    assert said(audit(mixed("el", 0.08), "fi"), "scripts") == [
        "At most 10% of the letters are in other scripts than the language's; most in el (8.0%)."
    ]


def test_overlaps_with_the_own_training_text():
    def own(fi, de):
        return said(audit("fi", "de", overlap={"fi": {"fi": fi}, "de": {"de": de}}), "Test")[:1] + said(
            audit("fi", "de", overlap={"fi": {"fi": fi}, "de": {"de": de}}), "test paragraphs stand in"
        )

    assert own(0.02, 0.03) == [
        "Test paragraphs that stand in the training text of the same language, above 1%: de (3.0%), fi (2.0%)."
    ]
    assert own(0.001, 0.002) == [
        "At most 1% of the test paragraphs stand in training text of their language; most of de (0.2%)."
    ]
    assert own(0.0, 0.0) == ["None of the test paragraphs stand in the training text of the same language."]


def test_overlaps_with_the_training_text_of_others():
    made = audit("fi", "de", "sv", overlap={"fi": {"de": 0.002, "sv": 0.03}, "sv": {"fi": 0.04}}, overlap_unit="lines")
    assert said(made, "of another") == [
        "Test lines of one language that stand in the training text of another, above 1%: sv in fi (4.0%), "
        "fi in sv (3.0%)."
    ]
    made = audit("fi", "de", overlap={"fi": {"de": 0.002}, "de": {"fi": 0.004}})
    assert said(made, "of another") == [
        "At most 1% of the test paragraphs of one language stand in the training text of another; "
        "most of de in fi (0.4%)."
    ]
    assert said(audit("fi", "de"), "of another") == [
        "None of the test paragraphs of one language stand in the training text of another."
    ]
    assert len(said(audit("fi", "de", overlap=REASON), "was not measured")) == 2
    assert said(audit("fi"), "another.") == []  # there is no other


def test_near_duplicates():
    def made(share):
        return said(audit(language("fi", near_duplicates=NearDuplicates(n=1, share=share))), "ear-duplicates")

    assert made(0.2) == ["Near-duplicates above 10% of the paragraphs in: fi (20.0%)."]
    assert made(0.02) == ["Near-duplicates are at most 10% of the paragraphs; most in fi (2.0%)."]
    assert made(0.0) == ["No near-duplicates were found."]
    assert made(REASON)[0] == "Near-duplicates were not counted."


def test_words_are_compared_between_languages_with_spaces_only():
    made = audit(
        language("fi", sample=sizes(10_000_000)),
        language("vi", sample=sizes(19_000_000)),
        language("zh", sample=sizes(90_000_000)),
    )
    assert said(made, "Words") == [
        "Words differ by a factor of 1.9 between fi (1.60M) and vi (3.04M) (zh left out: written without spaces)."
    ]
    assert said(made, "Bytes") == ["Bytes differ by a factor of 9.0 between fi (10.5M) and zh (94.5M)."]


def test_small_and_no_differences():
    made = audit(language("fi", sample=sizes(10_000_000)), language("de", sample=sizes(10_200_000)))
    assert said(made, "Characters") == ["Characters differ by 2.0% at most, between fi (10.0M) and de (10.2M)."]
    assert said(audit("fi", "de"), "Characters") == ["Characters are the same in 2 languages: 10,000,000."]
    assert said(audit("fi"), "Characters") == []


def test_updates():
    made = audit(
        language("fi", tokens=tokens(updates_per_epoch=100)), language("de", tokens=tokens(updates_per_epoch=440))
    )
    assert said(made, "Updates") == ["Updates per epoch differ by a factor of 4.4 between fi (100) and de (440)."]


def test_unknown_pieces():
    def made(fi, zh):
        ones = (
            language("fi", tokens=tokens(10_000, n_unknown=fi)),
            language("zh", tokens=tokens(10_000, n_unknown=zh)),
        )
        return [
            sentence for sentence in findings(audit(*ones)) if "nknown pieces" in sentence or "No piece" in sentence
        ]

    assert made(1, 80) == ["Unknown pieces above 0.5% in: zh (0.8%)."]
    assert made(10, 50) == ["Unknown pieces are at most 0.5% in every language counted; most in zh (0.5%)."]
    assert made(0, 0) == ["No piece is unknown."]
    assert said(audit("fi"), "nknown") == ["Unknown pieces were not counted."]


@pytest.mark.parametrize(
    ("unique", "goes"),
    [
        ((10, 20, 31, 39, 50), "rise together over languages (r = 1.00, 95% interval"),
        ((50, 39, 31, 20, 10), "go against each other over languages (r = -1.00, 95% interval"),
        ((10, 30, 11, 29, 12), "hardly go together over languages (r = 0.05, 95% interval -0.87 to 0.89, n = 5;"),
    ],
)
def test_total_and_unique_tokens(unique, goes):
    codes = ("fi", "de", "sv", "hu", "ru")
    made = audit(
        *(language(c, tokens=tokens(n * 1_000, u)) for c, n, u in zip(codes, range(1, 6), unique, strict=True))
    )
    (sentence,) = said(made, "unique tokens")
    assert sentence.startswith(f"Total and unique tokens {goes}")
    assert sentence.endswith("the paper: 0.73); that may be chance." if "hardly" in goes else "the paper: 0.73).")


def test_distances_are_told_with_their_ranges_and_without_a_pass_mark():
    codes = {"fi": 0.1, "de": 0.5, "sv": 3.0}
    ones = [
        language(code, sentence_words=distance(value, 20, 0.2, 0.9), word_chars=REASON) for code, value in codes.items()
    ]
    assert said(audit(*ones), "Sentence length in words") == [
        "Sentence length in words: the sample lies 2.5% of the mean from its source (median over languages), further "
        "off than random samples of its size in 2 of 3, than stretches of running text in 1 of 3: sv."
    ]
    assert len(said(audit(*ones), "no pass mark")) == 1
    assert said(audit(language("fi", sentence_words=REASON, word_chars=REASON)), "pass mark") == []


def test_distances_from_a_second_sample_and_without_blocks():
    ones = [language("fi", sentence_words=distance(0.1, 20, 0.2, against="sample"), word_chars=REASON)]
    assert said(audit(*ones), "Sentence length in words") == [
        "Sentence length in words: the sample lies 0.5% of the mean from another sample of its source (median over "
        "languages), further off than random samples of its size in 0 of 1; what running text gives is not known."
    ]


def test_what_is_missing_stands_last():
    made = audit("fi", language("de", foreign=REASON))
    assert findings(made)[-len(missing_numbers(made)) :] == missing_numbers(made)


def test_long_lists_are_cut():
    codes = ("fi", "de", "sv", "hu", "ru", "en", "fr", "el", "ga", "cy", "hy", "hi")
    made = audit(*(language(code, foreign=Foreign(by_char=0.5)) for code in codes))
    assert said(made, "Foreign")[0].endswith("cy (50.0%), and 2 more.")


# Translations of test text, and what cleaning took.


def with_leaks(shares):
    return audit(language("de"), language("fi"), language("hu")).model_copy(update={"translations": shares})


def test_translations_are_named_with_where_they_stand_and_the_opposite_is_said():
    shares = {"de": {"fi": 0.0, "hu": 0.005}, "fi": {"de": 0.77, "hu": 0.55}, "hu": {"de": 0.0, "fi": 0.0}}
    found = with_leaks(shares)
    assert found.flags["fi"][-1] == "translated"
    assert "translated" not in found.flags.get("de", [])
    text = " ".join(findings(found))
    assert "in the training text of others: fi in de (77.0%), hu (55.0%). What a donor gives" in text
    clean = with_leaks({code: dict.fromkeys(row, 0.0) for code, row in shares.items()})
    assert "No test text was found, translated, in the training text of another language." in findings(clean)
    unknown = audit(language("de"), language("fi"))
    assert "Translations of test text in other languages' training text were not looked for." in findings(unknown)


def test_losses_that_differ_much_are_named():
    def losing(*shares):
        return audit(
            *(
                language(code).model_copy(update={"dropped": share, "holes": share / 10})
                for code, share in zip(("de", "th"), shares, strict=True)
            )
        )

    text = " ".join(findings(losing(0.02, 0.6)))
    assert "differ by more than a factor of 3: 60.0% of the characters of th, 2.0% of de." in text
    assert "missing in up to 6.0% of paragraphs (th)" in text
    assert "factor of 3" not in " ".join(findings(losing(0.3, 0.6)))
    assert "templates" not in " ".join(findings(losing(0.0, 0.0)))
