"""Cleaning: what changes inside a paragraph, which paragraphs go, and which ones must stay."""

import time
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus.cleaning import RULES, clean_paragraph, normalize
from shared_data import shared_data


def clean(text, **more):
    return clean_paragraph(text, Counter(), **more)


def counted(text, **more):
    counts = Counter()
    clean_paragraph(text, counts, **more)
    return dict(counts)


# Inside a paragraph.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two\t words \n", "two words"),
        ("no\u00a0break\u202fthin\u3000wide", "no break thin wide"),
        ("line\u2028and\u2029paragraph\u0085next", "line and paragraph next"),
        ("a\x00b\x1b[0m\x7fc\x9fd", "a b [0m c d"),
        ("Ba\u0308r \u1112\u1161\u11ab か\u3099", "Bär 한 が"),
        ("Τι θέλεις\u037e", "Τι θέλεις;"),  # NFC makes the Greek question mark a semicolon
        ("क़ and \u0958", "क़ and क़"),  # and takes this letter apart
        ("Donau\u00addampf\u00adschiff", "Donaudampfschiff"),
        ("a\u00ad\u0308 \u0061\u200b\u0308", "ä ä"),  # what stood between is gone before composing
        ("\ufeffBeginning and\u2060 end", "Beginning and end"),
        ("שלום\u200f (\u202babc\u202c) \u2066x\u2069", "שלום (abc) x"),
        ("word\u200bword ไทย\u200bไทย ខ្មែរ\u200bខ្មែរ \u200bx", "wordword ไทย\u200bไทย ខ្មែរ\u200bខ្មែរ x"),
        ("caf\ufffd au lait", "caf au lait"),
        ("one\ufffdtwo \ue000\uf8ff three\ufdd0 \U0001fffe \U000f1234", "one two three"),
        ("half\ud83dsurrogate", "half surrogate"),
        ("ㅤ한국어ㅤ", "한국어"),
    ],
)
def test_characters_that_are_no_text(text, expected):
    assert clean(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # Persian needs the non-joiner
        "ශ්\u200dරී ක්\u200dෂ",  # Sinhala the joiner
        "क्\u200dष",
        "👩\u200d👩\u200d👧 and ❤\ufe0f and text",
        "葛\U000e0100城市",  # a variant of a letter
        "ᠮᠣᠩᠭᠣᠯ\u180e\u1820",
        "Straße ﬁ ½ ² Ⅳ ① Ａ ｱ",  # compatibility forms are not folded
        "Tom &amp; Jerry &#8217; &nbsp; x",
        "x < y && z > 3",
        "İstanbul ΣΊΣΥΦΟΣ",
    ],
)
def test_what_spelling_needs_stays(text):
    assert clean(text) == text


def test_every_step_counts_paragraphs_and_characters():
    counts = Counter()
    assert clean_paragraph(" a\u0308\u00ad\u00ad  b\x01\ufffd\ue000c &amp; ", counts) == "ä b c &amp;"
    assert counts == {
        "invisible_in": 1,
        "invisible_chars": 2,
        "control_in": 1,
        "control_chars": 1,
        "no_text_in": 1,
        "no_text_chars": 2,
        "composed_in": 1,
        "composed_chars": 1,
        "white_space_in": 1,
        "white_space_chars": 2 + 1 + 2,  # at the ends, between, and two of the three that others left
        "entities_in": 1,
    }


def test_normalizing_alone_leaves_nothing_out():
    counts = Counter()
    assert normalize(" 12 |  13 ", counts) == "12 | 13"
    assert normalize("https://example.com") == "https://example.com"
    assert counts == {"white_space_in": 1, "white_space_chars": 3}


# Which paragraphs go: for each rule what it takes, and what looks like it and must stay.

TAKEN = {
    "few_letters": [
        "12",
        "100 %",
        "—",
        "* * *",
        "१२३",
        "٣٫٥",
        "😀 😀",
        "+----+----+",
        "ー".replace("ー", "…"),
        "|",
        "( )",
    ],
    "addresses": [
        "https://example.com/a?b=c",
        "• http://пример.рф/страница",
        "www.example.org, www.example.net",
        "<someone@example.com>",
        "↑ https://ja.wikipedia.org/wiki/日本",
    ],
    "retrieved_from": [
        'Retrieved from "https://en.wikipedia.org/w/index.php?title=Bee&oldid=12"',
        "Abgerufen von „https://de.wikipedia.org/w/index.php?title=Biene&oldid=12“",
        "取自 “https://zh.wikipedia.org/w/index.php?title=蜂&oldid=12”",
        "Источник — https://ru.wikipedia.org/w/index.php?title=Пчела&oldid=12",
    ],
    "markup": [
        '<div class="box"><span id="a"></span></div> Text',
        "|- style=color:red",
        '{| class="wikitable"',
        '<a href="https://example.com/en/abc">日本語</a>',
        '<IMG SRC="a.png" ALT="چیزی">',
    ],
    "program": [
        "function init(a, b) { return a + b; }",
        "var x = document.getElementById('menu'); x.hidden = true;",
        ".menu { color: red; margin: 0 }",
        "window.dataLayer = window.dataLayer || [];",
    ],
    "navigation": [
        "Home | News | Sport | Weather | Log in",
        "Главная | Новости | Спорт | Погода | Войти",
        "首页 · 新闻 · 体育 · 天气 · 登录",
        "Inicio » Noticias » Deportes » Fútbol » Liga",
        "| a | 1 | b | 2 | c | 3 |",
        "מדינות • ערים • נהרות • הרים • אגמים",
    ],
    "symbols": [
        "12.5 | 13.7 % a / 99 (3) -- 47.11 --> 0815",
        "1,0 2,5 3,5 4,4 5,9 6,1 cm 7,7 8,9 9,9 10,1 11,3 12,4",
        "= = = = = = = = = = = = अ = = = = = = = = = = = = =",
        "٠١٢٣٤٥٦٧٨٩ ٠١٢٣٤٥٦٧٨٩ ٠١٢٣٤٥٦٧٨٩ م",
    ],
    "repetition": [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "あああああああああああああああああああああああああああああああああああああ",
        "nav nav nav nav nav nav nav nav nav nav nav nav",
        "да нет да нет да нет да нет да нет да нет",
        "Home Home Home About Home Home Home About Home Home",
    ],
    "notice": [
        "This site uses cookies. By using it you agree.",
        "Wir verwenden Cookies, um unsere Seiten zu verbessern.",
        "Ce site utilise des cookies.",
        "Мы используем куки, чтобы сайт работал.",
        "本网站使用cookie来改善您的体验。",
        "当サイトではクッキーを使用しています。",
        "אנו משתמשים בעוגיות באתר זה",
        "© 2019 Example Ltd. All rights reserved.",
        "Copyright © 2003–2020 Пример",
    ],
}
KEPT = {
    "few_letters": ["OK", "a", "是", "确定", "は", "네", "ok!", "№ 5 б", "3 m", "अ", "x²"],
    "addresses": [
        "See https://example.com for more.",
        "例えば https://example.com です",
        "http://example.com ist die Adresse",
        "Write to someone@example.com",
        "me@home",
        "@user replied",
    ],
    "retrieved_from": [
        "The page https://example.com/index.php?title=Bee explains how bees live.",
        "Данные взяты с https://example.com/data.csv",
    ],
    "markup": [
        "If a < b and c > d, then <b>swap</b> them and go on with the next pair.",
        "Paragraph is <name of language>",
        "a|b",
        "Das Wort ist <Name der Sprache>",
        "{name} wurde hinzugefügt",
        "{{ value }} °C",
    ],
    "program": [
        "The function of the heart is to pump blood; it beats.",
        "This document. Then the window.",
        "A set {a: b} is written so; JavaScript is a language.",
        "Функция document описана ниже.",
    ],
    "navigation": [
        "Go to Settings > Devices > Services > Add > OK.",
        "Les mots « a » et « b » et « c » et « d » et « e »",
        "Either | or",
        "| x | y |",
        "Roses are red / violets are blue / sugar is sweet / and so are you",
        "A long piece of running text stands here | and another of running text stands there | so | it | stays",
        "阿·托尔斯泰·是·俄国·作家",
    ],
    "symbols": [
        "12.05.2020, 14:30 – 18:00 Uhr, Raum 5",
        '=PRICE("1999-02-15"; "2007-11-15"; 0.0575) returns 95.04',
        "हिन्दी में 1234567890 1234567890",
        "電話 03-1234-5678 / 03-1234-5679",
        "1 + 1 = 2 b",
    ],
    "repetition": [
        "No, no, no, no!",
        "ha ha ha",
        "哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈",
        "Row row row your boat, row row row your boat, row row",
        "The more you read, the more you know; the more you know, the more you want to read.",
        "Buffalo buffalo Buffalo buffalo buffalo buffalo Buffalo",
        "-----BEGIN-----",
    ],
    "notice": [
        "A cookie is a small file that a browser stores.",
        "Wir backen heute Plätzchen.",
        "We ate cookies because we were hungry.",
        "Our use of bread is old.",
        "Ein Cookie wird vom Browser gespeichert.",
        "Cookie löschen",
        "クッキーを焼く",
        "The copyright lasts for 70 years. It was 50 before 1995.",
        "© is a sign",
    ],
}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in TAKEN.items() for text in texts])
def test_what_a_rule_takes(rule, text):
    counts = Counter()
    assert clean_paragraph(text, counts) == ""
    assert counts[rule] == 1
    assert counts[f"{rule}_chars"] == len(normalize(text))


@pytest.mark.parametrize("text", [text for texts in KEPT.values() for text in texts])
def test_what_stays(text):
    assert clean(text) == text


def test_every_rule_has_examples_of_both_kinds():
    assert set(TAKEN) == set(KEPT) == {"few_letters", *RULES}


def test_the_fewest_letters_are_a_setting():
    assert clean("OK", min_letters=2) == "OK"
    assert clean("OK", min_letters=3) == ""
    assert clean("是的", min_letters=2) == "是的"
    assert counted("1 a 2 b", min_letters=3) == {"few_letters": 1, "few_letters_chars": 7}


def test_nothing_is_nothing_and_is_not_counted_as_left_out():
    assert clean("") == ""
    assert counted("") == {}
    assert counted(" \t") == {"white_space_in": 1, "white_space_chars": 2}


# Everything.

ANYTHING = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            [*"aäÄ\u0308 \t\n\xa0\u3000\u00ad\u200b\u200c\u200d\u200e\ufeff\ufffd\ue000ก한\u1161\u3164|·<>/=&;"]
        ),
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Zs"]),
    ),
    max_size=60,
)


@given(ANYTHING, st.integers(0, 4))
def test_cleaning_twice_changes_nothing(text, min_letters):
    once = clean(text, min_letters=min_letters)
    assert clean(once, min_letters=min_letters) == once
    counts = Counter()
    assert normalize(once, counts) == once
    assert not counts - Counter(entities_in=1)


@given(ANYTHING)
def test_what_comes_out_is_nfc_can_be_written_and_is_in_single_spaces(text):
    found = normalize(text)
    assert unicodedata.is_normalized("NFC", found)
    assert found == " ".join(found.split())
    assert found.encode().decode() == found
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp") for character in found)


@given(ANYTHING)
def test_the_counts_add_up(text):
    counts = Counter()
    found = clean_paragraph(text, counts)
    left_out = sum(counts[f"{rule}_chars"] for rule in ("few_letters", *RULES))
    gone = counts["white_space_chars"] + counts["invisible_chars"] + counts["composed_chars"]
    assert len(text) == len(found) + left_out + gone
    assert (found == "") == (left_out > 0 or normalize(text) == "")


@given(st.text(alphabet=st.characters(categories=["L", "Nd", "Zs"], include_characters="\u0308.,"), max_size=40))
def test_letters_are_only_composed(text):
    # Two letters of Hangul are blanks; all other letters come out as the library of Unicode composes them.
    text = text.replace("\u3164", "").replace("\uffa0", "")
    assert normalize(text) == " ".join(unicodedata.normalize("NFC", text).split())


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        " ",
        "a@",
        "a@ ",
        "@",
        "https://",
        "www.",
        "<",
        "<a ",
        "<a b=",
        "{",
        ".a{b:",
        "function (",
        "document.",
        "|",
        "| ",
        "a | ",
        "&#",
        "\u200b",
        "ก\u200b",
        "\u00ad",
        "\u0308",
        "a\u0323\u0307",
        "\ud800",
        "\x00",
        "© ",
        "cookie we ",
        "(c)",
        '"',
        "oldid=",
        "1 ",
        "一",
    ],
)
def test_a_megabyte_of_anything_takes_no_time(unit):
    text = (unit * 1_000_000)[:1_000_000]
    start = time.process_time()
    clean_paragraph(text, Counter())
    clean_paragraph("a " + text + "; {", Counter())
    assert time.process_time() - start < 5  # at most 0.5 where nothing else runs; hours where time is quadratic


@pytest.mark.parametrize("language", ["de", "ja", "ru", "ko", "zh", "fi"])
def test_hardly_anything_of_a_good_text_is_left_out(language):
    import lzma

    lines = lzma.decompress(shared_data("text", f"{language}.txt.xz").read_bytes()).decode().splitlines()
    counts = Counter()
    kept = sum(len(clean_paragraph(line, counts)) for line in lines)
    assert kept > 0.998 * sum(map(len, lines))
    assert sum(counts[rule] for rule in ("few_letters", *RULES)) < 0.003 * len(lines)
