"""What a reader of a wiki sees as a sentence stays one: no hole, no lost line, in any script."""

from collections import Counter

import pytest

from bloodbank.corpus.sentences import ends_sentence, split_sentences
from bloodbank.corpus.splitting import comparable
from bloodbank.corpus.wikipedia.inline_templates import shown_words
from bloodbank.corpus.wikipedia.wikitext import Namespaces, clean_wikitext, is_redirect

NAMES = Namespaces.of({})


def clean(text, removed=None):
    return clean_wikitext(text, NAMES, removed)


@pytest.mark.parametrize(
    "before",
    [
        "[[File:a.jpg|thumb|x]]", "{{Coord|1|2}}", "<br />", "</blockquote>", "__TOC__", "<div>", "<nowiki/>",
        "<ref>x</ref>", "[[Category:X]]", "{{Infobox\n| name = x\n| y = z }}", "[[File:a.jpg]][[File:b.jpg]]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("sentence", ["The town lies on a river that\nflows north.", "ประเทศนี้มีประชากรจำนวนมาก"])
def test_text_behind_what_was_taken_out_is_no_preformatted_text(before, sentence):
    assert clean(f"{before} {sentence}") == [sentence.replace("\n", " ")]
    assert clean(f"First.\n\n{before} {sentence}") == ["First.", sentence.replace("\n", " ")]


def test_preformatted_text_is_still_left_out():
    removed = Counter()
    assert clean(" for i in x:\n   print\n\nText.", removed) == ["Text."]
    assert removed["preformatted"] == 2


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("The canal is {{convert|1300|mi|km}} long.", "The canal is 1300 mi long."),
        ("au {{s|XIX|e}} à Lyon", "au XIXe siècle à Lyon"),
        ("彼は{{仮リンク|青い塔|en|Blue Tower}}を建てた。", "彼は青い塔を建てた。"),
        ("它由{{link-en|蓝塔|Blue Tower}}建造。", "它由蓝塔建造。"),
        ("в {{нп5|Белгород||en|White}} городе", "в Белгород городе"),
        ("в {{Нп5|Белгород|Белгороде|en|White}} городе", "в Белгороде городе"),
        ("the {{lang|fr|mot}} here", "the mot here"),
        ("the {{Lang-de|Wort}} here", "the Wort here"),
        ("in {{nihongo|Tokyo|東京|Tōkyō}} then", "in Tokyo then"),
        ("a {{nowrap|x {{lang|de|Wort}} y}} b", "a x Wort y b"),
        ("a {{lang|fr|[[le mot|mot]]}} b", "a mot b"),
        ("built by {{ill|Ann Lee|de|lt=Lee}} then", "built by Lee then"),
        ("a mass of {{val|1.5|u=kg}} now", "a mass of 1.5 kg now"),
        ("à {{unité|12|km}} de", "à 12 km de"),
    ],
)
def test_templates_that_show_words_leave_them(wikitext, text):
    removed = Counter()
    assert clean(wikitext, removed) == [text]
    assert not removed["paragraphs_with_holes"]


def test_a_paragraph_that_lost_words_of_a_template_is_counted():
    removed = Counter()
    text = (
        "The {{mystery|deep blue}} sea.\n\nA.{{sfn|Smith|2000}} B.\n\nThe{{citation needed|date=May}} end {{x}} here."
    )
    assert clean(text, removed) == ["The sea.", "A. B.", "The end here."]
    assert removed["paragraphs_with_holes"] == 1


def test_what_a_template_shows():
    assert shown_words("LANG|fr| mot ") == "mot"
    assert shown_words("lang_x|y") is None
    assert shown_words("convert|5|km") == "5 km"
    assert shown_words("convert") == ""
    assert shown_words("nowrap|a=b") == ""
    assert shown_words("nowrap|1=b") == "b"
    assert shown_words("transl|ja|ISO|kana") == "kana"


def test_templates_within_templates_take_linear_time():
    n = 30_000
    assert clean("{{nowrap|" * n + "x" + "}}" * n) in (["x"], [])
    assert clean("{{a|" * n + "x") is not None


@pytest.mark.parametrize(
    "items",
    [
        ("It rains.", "It rained!"),
        ("ประเทศนี้มีประชากรจำนวนมาก", "ประเทศนี้มีประชากรจำนวนน้อย"),
        ("ປະເທດນີ້ມີປະຊາກອນຫຼາຍ", "ປະເທດນີ້ມີປະຊາກອນໜ້ອຍ"),
        ("བོད་སྐད།", "བོད་ཡིག།"),
        ("Սա քաղաք է:", "Սա գյուղ է։"),
        ("Τι είναι αυτό;", "Πού είναι;"),
        ("ሰላም ነው፡፡", "ሰላም።"),
        ("ᱱᱚᱣᱟ ᱠᱟᱱᱟ᱾", "ᱱᱚᱣᱟ᱾"),
        ("ꯃꯤ ꯑꯁꯤ꯫", "ꯃꯤ꯫"),
        ("သူလာတယ်၊၊", "သူလာတယ်။"),
        ("下雨了。", "下雨了！"),
        ("वर्षा हो रही है।", "वर्षा॥"),
    ],
)
def test_items_of_a_list_that_are_sentences_stay_in_every_script(items):
    assert clean("".join(f"* {item}\n" for item in items)) == list(items)
    assert all(map(ends_sentence, items))


@pytest.mark.parametrize(
    "items", [("Berlin", "Paris"), ("กรุงเทพ", "เชียงใหม่"), ("list: one;", "list:"), ("ሰላም፡", "ሰላም")]
)
def test_names_of_a_list_do_not(items):
    assert clean("".join(f"* {item}\n" for item in items)) == []


def test_marks_of_sections_break_no_line():
    assert clean("one <section begin=x />two<section end=x /> three <main>x</main>") == ["one two three x"]


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("[[-{A|zh-hans:计算机;zh-hant:電腦}-]]", "计算机"),
        ("[[-{R|北京}-]]市", "北京市"),
        ("[[-{sr-ec:Београд; sr-el:Beograd}-]]", "Београд"),
        ("[[A|-{zh-hans:计;zh-hant:電}-]]", "计"),
        ("-{zh-hans:[[甲|丙]];zh-hant:[[乙]]}-", "丙"),
    ],
)
def test_variants_within_links(wikitext, text):
    assert clean(wikitext) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "#REDIRECT [[X]]",
        "#OHJAUS [[Kohde]]",
        "#YÖNLENDİRME [[X#y]]",
        "#転送 [[X]]",
        " #تحويل [[س]]",
        "#redirect: [[X|y]]",
    ],
)
def test_redirects_in_a_wikis_own_word(text):
    assert is_redirect(text)


@pytest.mark.parametrize("text", ["# one\n# two", "# [[X]]", "#one two [[X]]", "Text #x [[y]]", "", "{{x}}"])
def test_what_is_no_redirect(text):
    assert not is_redirect(text)


@pytest.mark.parametrize(
    ("language", "text", "n"),
    [
        ("id", "PT. Maju dan CV. Karya ikut serta.", 1),
        ("mr", "विभाग २.१. येथे आहे", 1),
        ("te", "విభాగం 2.1. ఇక్కడ ఉంది", 1),
        ("fa", "بخش ۲.۱. اینجا است", 1),
        ("my", "သူသွားတယ်၊၊ သူလာတယ်၊၊", 2),
        ("my", "သူသွား၊ သူလာတယ်။", 1),
        ("en", "It is in 2.1. The next is 3.", 2),
        ("id", "Dia lulus SMA. Lalu bekerja.", 2),
    ],
)
def test_stops_that_end_no_sentence(language, text, n):
    assert len(split_sentences(text, language)) == n


def test_case_in_languages_where_capitals_tell_less():
    assert comparable("DIYARBAKIR") == comparable("Diyarbakır")
    assert comparable("İstanbul") == comparable("istanbul")
    assert comparable("ΑΘΗΝΑ ΟΔΟΣ") == comparable("Αθήνα  οδός")
    assert comparable("café") != comparable("cafe")
