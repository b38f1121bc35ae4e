"""Script mix: letters counted by hand, and scripts of characters against the `regex` package."""

import unicodedata
from collections import Counter

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus.scripts import count_scripts, expected_scripts, script_mix, script_of
from bloodbank.errors import UsageError
from shared_data import shared_data

EVERYTHING = "".join(map(chr, range(0x110000)))
NAMES = {"Latn": "Latin", "Cyrl": "Cyrillic", "Hani": "Han", "Hira": "Hiragana", "Hang": "Hangul", "Deva": "Devanagari"}


@pytest.mark.parametrize("script", NAMES)
def test_every_character_of_unicode_has_the_script_that_another_library_gives(script):
    theirs = set(regex.findall(rf"\p{{Script={NAMES[script]}}}", EVERYTHING))
    assert len(theirs) > 100
    assert {character for character in EVERYTHING if script_of(character) == script} == theirs


def test_digits_punctuation_and_shared_letters_belong_to_no_script():
    assert count_scripts(Counter("3.5 %—ー\u0301٣३! \n")) == {}


def test_vowel_signs_are_letters_of_their_script():
    assert count_scripts(Counter("हिन्दी")) == {"Deva": 6}  # three letters, two vowel signs, one virama


def test_lone_surrogates_and_private_characters_are_letters_of_no_script():
    assert count_scripts(Counter("\ud800\udfff\ue000\U0010ffff")) == {}


@given(st.text())
def test_counts_are_those_of_another_library(text):
    text = "".join(character for character in text if unicodedata.category(character) != "Cn")
    letters = Counter(text)
    for script, name in NAMES.items():
        assert count_scripts(letters)[script] == len(
            regex.findall(rf"[[\p{{L}}\p{{M}}]&&\p{{Script={name}}}]", text, flags=regex.V1)
        )


@pytest.mark.parametrize(
    ("language", "scripts"),
    [
        ("ja", ("Hani", "Hira", "Kana")),
        ("ko", ("Hang", "Hani")),
        ("zh", ("Hani",)),
        ("ru", ("Cyrl",)),
        ("my", ("Mymr",)),
        ("x-toy", ()),
    ],
)
def test_expected_scripts_are_those_of_unicode(language, scripts):
    assert expected_scripts(language) == scripts


def test_an_unknown_language_is_refused():
    with pytest.raises(UsageError, match="unknown language 'xx'"):
        script_mix(Counter("a"), "xx")


def test_the_mix_of_a_japanese_sentence():
    mix = script_mix(Counter("日本語でPythonをコーディングする。"), "ja")
    # 日本語, でをする, コディング without the long mark, Python
    assert mix.n_letters == 3 + 4 + 5 + 6
    assert mix.shares == {"Latn": 6 / 18, "Kana": 5 / 18, "Hira": 4 / 18, "Hani": 3 / 18}
    assert list(mix.shares) == ["Latn", "Kana", "Hira", "Hani"]
    assert mix.outside == 6 / 18


def test_scripts_of_the_language_lie_inside_and_all_others_outside():
    assert script_mix(Counter("한국어 漢字"), "ko").outside == 0
    assert script_mix(Counter("한국어 ja"), "ko").outside == 2 / 5
    assert script_mix(Counter("abcЖ"), "en").outside == 0.25
    assert script_mix(Counter("abcЖ"), "ru").outside == 0.75


def test_equal_shares_stand_in_the_order_of_their_codes():
    assert list(script_mix(Counter("ЖaΩ"), "en").shares) == ["Cyrl", "Grek", "Latn"]


def test_what_cannot_be_known_says_why():
    assert script_mix(Counter("123 ..."), "de").outside == "not computed, because the text holds no letter"
    assert script_mix(Counter(), "de").shares == {}
    assert (
        script_mix(Counter("abc"), "x-toy").outside == "not computed, because the script of the language is not known"
    )
    assert script_mix(Counter("abc"), "x-toy").shares == {"Latn": 1.0}


def test_a_character_counted_zero_times_is_not_there():
    assert script_mix(Counter({"a": 1, "Ж": 0}), "en").shares == {"Latn": 1.0}


def test_most_of_the_raw_hindi_help_book_is_in_latin_letters():
    import lzma

    with lzma.open(shared_data("text-contaminated", "hi.txt.xz"), "rt", encoding="utf-8") as file:
        characters = Counter(file.read())
    mix = script_mix(characters, "hi")
    assert next(iter(mix.shares)) == "Latn"
    assert mix.outside > 0.9
