"""The data card: rendered by a Markdown parser, it holds what the audit says, whatever stands in a name."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bloodbank.corpus.audit.data_card import data_card
from bloodbank.corpus.audit.record import NOT_COMPUTED, LanguageAudit, SourceSize
from bloodbank.corpus.audit.sentences import findings
from made_audits import audit, distance, language, tokens, varied

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
DIGEST = "0123456789abcdef" * 4
ADDRESS = "https://example.org/a_b_c"


def text_of(token):
    """Return what a reader sees of a line."""
    return "".join(
        child.content for child in token.children or [] if child.type in ("text", "text_special", "code_inline")
    )


def rendered(card):
    """Parse a card: for each title the lines of its lists and paragraphs, and its tables as rows of cells."""
    sections, tables, title = {}, {}, ""
    place = ""
    for token in MARKDOWN.parse(card):
        if token.type.endswith("_open"):
            place = token.type.removesuffix("_open")
        if token.type == "table_open":
            tables[title].append([])
        elif token.type == "tr_open":
            tables[title][-1].append([])
        elif token.type == "inline" and place == "heading":
            title = text_of(token)
            sections[title], tables[title] = [], []
        elif token.type == "inline":
            (tables[title][-1][-1] if place in ("th", "td") else sections[title]).append(text_of(token))
    return sections, tables


def cells(card, title, table=0):
    """Return the rows of a table as mappings from head to cell."""
    head, *rows = rendered(card)[1][title][table]
    assert all(len(row) == len(head) for row in rows)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_card_has_its_sections_in_order():
    card = data_card(varied(3), {"seed": 0}, {"created": "2026-11-24"})
    assert list(rendered(card)[0]) == [
        "Data card: made up",
        "What the numbers say",
        "Languages",
        "Training text",
        "Under the tokenizer",
        "Lengths against the source",
        "Contamination",
        "Cleaning",
        "Provenance",
        "Settings",
        "Known limits",
    ]
    assert card.endswith(".\n")
    assert "\n\n\n" not in card


def test_sections_without_content_are_left_out():
    card = data_card(audit(LanguageAudit(code="fi", name="Finnish"), overlap="not computed"), {}, {})
    assert not {"Lengths against the source", "Cleaning", "Provenance", "Settings"} & set(rendered(card)[0])
    assert "not computed" not in "".join(
        cell for table in rendered(card)[1]["Training text"] for row in table for cell in row
    )
    assert cells(card, "Training text") == [
        {
            "code": "fi",
            **dict.fromkeys(("characters", "bytes", "words", "sentences", "paragraphs"), "–"),
            "scripts of its letters": "–",
        }
    ]


def test_the_findings_stand_in_the_card():
    made = varied(8)
    assert rendered(data_card(made, {}, {}))[0]["What the numbers say"] == findings(made)


def test_the_numbers_are_those_of_the_audit():
    one = language(
        "fi",
        source_size=SourceSize(n_chars=71_452_849, exact=False, share_read=0.25),
        tokens=tokens(3_200_000, 8_000, n_unknown=16, vocabulary_share=0.4, exclusive_share=0.05),
        short_parts=("test",),
        removed={"pages | redirects": 7},
    )
    made = audit(one, "de", overlap={"fi": {"fi": 0.001, "de": 0.031}, "de": {"de": 0.0, "fi": 0.0}})
    card = data_card(made, {}, {})
    assert cells(card, "Languages")[0] == {
        "code": "fi", "name": "Finnish", "family": "Uralic", "script": "Latn", "source, characters": "about 71,500,000",
        "read": "25.0%", "train, characters": "10,000,000", "dev": "100,000", "test": "200,000",
        "short of its budget": "test", "source": "Wikipedia, fi", "licence": "CC BY-SA 4.0",
    }  # fmt: skip
    assert cells(card, "Languages")[1]["source, characters"] == "25,000,000"
    assert cells(card, "Languages")[1]["short of its budget"] == "no"
    assert cells(card, "Training text")[0] == {
        "code": "fi", "characters": "10,000,000", "bytes": "10,500,000", "words": "1,600,000", "sentences": "80,000",
        "paragraphs": "26,666", "scripts of its letters": "Latn 100%",
    }  # fmt: skip
    assert cells(card, "Under the tokenizer")[0] == {
        "code": "fi", "tokens": "3,200,000", "unique tokens": "8,000", "unique / all": "0.2%", "tokens a word": "2.00",
        "unknown": "<0.001%", "share of the vocabulary used": "40.0%", "by no other language": "5.0%",
        "updates per epoch": "1,000",
    }  # fmt: skip
    assert cells(card, "Under the tokenizer")[1]["tokens"] == "–"
    assert cells(card, "Contamination")[0] == {
        "code": "fi", "foreign, by line": "1.0%", "by character": "0.8%", "languages": "en 0.8%", "undecided": "2.0%",
        "letters of other scripts": "0%", "test paragraphs in its training text": "0.1%",
        "most in that of another": "3.1% (de)", "near-duplicates": "1.0%", "flags": "short, overlap",
    }  # fmt: skip
    assert cells(card, "Contamination")[1]["most in that of another"] == "0%"
    assert [(row["code"], row["pages | redirects"]) for row in cells(card, "Cleaning")] == [("fi", "7"), ("de", "0")]


def test_distances_stand_with_their_ranges_one_table_a_kind():
    one = language("fi", word_chars=distance(0.05, 5.5, 0.01, against="sample"))
    card = data_card(audit(one), {}, {})
    assert cells(card, "Lengths against the source", 0) == [
        {"code": "fi", "mean length": "17.00", "distance": "0.4", "of the mean": "2.4%",
         "random samples": "0.05 to 0.2", "running text": "0.225 to 0.9", "against": "whole source"}
    ]  # fmt: skip
    assert cells(card, "Lengths against the source", 1)[0]["running text"] == "–"
    assert cells(card, "Lengths against the source", 1)[0]["against"] == "second sample"
    assert len(rendered(card)[1]["Lengths against the source"]) == 2  # no tokens


def test_provenance_lists_sources_files_and_facts():
    provenance = {
        "created": "2026-11-24",
        "versions": {"bloodbank": "0.1.0", "torch": "2.13.0"},
        "fi": {
            "kind": "wikipedia",
            "date": "2026-11-01",
            "files": [{"name": "fiwiki_1.xml.bz2", "bytes": 1_234_567, "sha256": DIGEST, "url": ADDRESS}],
        },
        "de": {"kind": "text", "licence": None, "files": ["one.txt", "two.txt"], "share": 0.25, "parts": ["a", "b"]},
    }
    card = data_card(audit("fi", "de"), {}, provenance)
    assert cells(card, "Provenance", 0) == [
        {"fact": "created", "value": "2026-11-24"},
        {"fact": "versions.bloodbank", "value": "0.1.0"},
        {"fact": "versions.torch", "value": "2.13.0"},
    ]
    assert cells(card, "Provenance", 1) == [
        {"code": "fi", "kind": "wikipedia", "date": "2026-11-01", "licence": "–", "share": "–", "parts": "–"},
        {"code": "de", "kind": "text", "date": "–", "licence": "–", "share": "0.25", "parts": "a, b"},
    ]
    file = {"name": "fiwiki_1.xml.bz2", "bytes": "1,234,567", "sha256": DIGEST, "url": ADDRESS}
    assert cells(card, "Provenance", 2) == [
        {"code": "fi", **file},
        {"code": "de", "name": "one.txt", "bytes": "–", "sha256": "–", "url": "–"},
        {"code": "de", "name": "two.txt", "bytes": "–", "sha256": "–", "url": "–"},
    ]
    assert f"`{DIGEST}`" in card
    assert '<a href="https://example.org/a_b_c">' in MARKDOWN.render(card)


def test_languages_of_the_tokenizer_alone_have_their_files_listed():
    file = {"name": "sv.txt", "bytes": 5, "changed": "2026-11-01", "sha256": DIGEST}
    told = {
        "fi": {"kind": "text", "files": ["fi.txt"]},
        "sv": {"kind": "text", "files": [file]},
        "written": "2026-11-29",
    }
    card = data_card(audit("fi"), {}, told)
    assert cells(card, "Provenance", 0) == [{"fact": "written", "value": "2026-11-29"}]
    assert [row["code"] for row in cells(card, "Provenance", 1)] == ["fi", "sv"]
    assert cells(card, "Provenance", 2)[1] == {"code": "sv", **file, "bytes": "5"}


def test_settings_are_dotted_keys():
    card = data_card(
        audit("fi"), {"budget_chars": 10_000_000, "clean": {"near": "report", "on": True}, "none": None}, {}
    )
    assert cells(card, "Settings") == [
        {"setting": "budget_chars", "value": "10,000,000"},
        {"setting": "clean.near", "value": "report"},
        {"setting": "clean.on", "value": "yes"},
        {"setting": "none", "value": "–"},
    ]


@pytest.mark.parametrize(
    "name",
    [
        "a|b", "a\\|b", "*a* _b_ __c__", "`a` ``b``", "<script>alert(1)</script>", "[a](https://b.c)", "![a](b)",
        "~~a~~", "a & b &amp; &#35;", "# a", "$a$", "https://a.b/c|d", "a\nb", "a\r\n| b |",
        "---", "| --- |", "\\", "日本語",
    ],
)  # fmt: skip
def test_what_stands_in_a_name_is_text(name):
    shown = " ".join(name.split())
    one = LanguageAudit(**(language("fi").model_dump(exclude={"fertility"}) | {"origin": name, "removed": {name: 3}}))
    card = data_card(audit(one, "de", name=name), {name: name}, {"fi": {"title": name, "files": [name]}})
    assert next(iter(rendered(card)[0])) == f"Data card: {shown}"
    assert cells(card, "Languages")[0]["source"] == shown
    assert cells(card, "Cleaning")[0][shown] == "3"
    assert cells(card, "Provenance", 0)[0]["title"] == shown
    assert cells(card, "Provenance", 1)[0]["name"] == shown
    assert cells(card, "Settings") == [{"setting": shown, "value": shown}]
    assert "<script>" not in MARKDOWN.render(card)


@given(st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" |\\`*_<>[]()~#&$-"), min_size=1))
def test_any_value_is_shown_as_it_is(value):
    assume(not value.startswith(NOT_COMPUTED))  # what an audit says where a number is missing
    shown = " ".join(value.split())
    found = cells(data_card(audit("fi"), {"key": value}, {}), "Settings")
    assert found == [{"setting": "key", "value": shown or "–"}]


def test_numbers_stand_right_and_words_left():
    card = data_card(audit(language("fi", tokens=tokens()), "de"), {}, {})
    table = card.split("## Under the tokenizer\n\n")[1].splitlines()
    assert table[1] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
