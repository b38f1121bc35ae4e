"""Tables that fit 80 columns and say what the audit says."""

import io
import re

import pytest
from rich.console import Console

from bloodbank.corpus.audit.record import Foreign, LanguageAudit, SourceSize
from bloodbank.corpus.audit.sentences import findings
from bloodbank.corpus.audit.terminal import render_audit
from made_audits import audit, distance, language, sizes, tokens, varied


def printed(made, width=80):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(render_audit(made))
    return console.file.getvalue()


def row_of(text, title, code):
    """Return the cells of a language in one table, with one space between them."""
    table = text.split(f"\n{title}")[1].split("\n\n")[0]
    return next(" ".join(line.split()) for line in table.splitlines() if line.startswith(f"{code} "))


@pytest.mark.parametrize("n", [1, 2, 22, 60])
def test_tables_fit_80_columns_whatever_the_number_of_languages(n):
    text = printed(varied(n))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in re.sub(r"\w…", "", text)  # only names are cut


def test_wide_numbers_and_long_codes_fit():
    long = language(
        "x-averylon-gcodetha-tgoesonx",
        source_size=SourceSize(n_chars=987_654_321_000, exact=False, share_read=0.000_012),
        sample=sizes(9_876_543_210),
        tokens=tokens(9_999_999_999, 99_999_999, n_unknown=9_999_999, updates_per_epoch=123_456_789),
        sentence_words=distance(123.4, 1_000, 0.00012, 99.94),
        sentence_tokens=distance(0.00012, 1_000, 123.4, 0.0994),
        word_chars=distance(99.94, 100, 9.994, 0.0494),
        foreign=Foreign(by_line=0.999_99, by_char=0.999_99, languages={"be-tarask": 0.7, "zh": 0.29}),
    )
    text = printed(audit(long, "be-tarask", overlap={long.code: {long.code: 0.1234, "be-tarask": 0.5}}))
    assert max(map(len, text.splitlines())) <= 80
    assert (
        row_of(text, "Lengths", "x-averyl…")
        == "x-averyl… 123 12.3 <.001 99.9 <.001 <.001 123 0.099 99.9 99.9 9.99 0.049"
    )
    assert "~988G" in text


def test_the_tables_of_a_language():
    one = language(
        "fi",
        foreign=Foreign(by_line=0.5, by_char=0.581, languages={"en": 0.57, "sv": 0.01}),
        tokens=tokens(n_unknown=25_000),
    )
    text = printed(audit(one, "de", overlap={"fi": {"fi": 0.0, "de": 0.031}, "de": {"de": 0.002, "fi": 0.0}}))
    assert row_of(text, "Text", "fi") == "fi Finnish Uralic Latn 25.0M 100 10.0M 200k"
    assert row_of(text, "Balance", "fi") == "fi 10.0M 10.5M 1.05 1.60M 80.0k 26.7k 1.00k"
    assert row_of(text, "Lengths", "fi") == "fi 0.40 2.35 0.20 0.90 · · · · 0.050 0.91 0.010 0.10"
    assert row_of(text, "Tokens", "fi") == "fi 2.50M 20.0k 0.8 1.56 1.0! 20.0 5.0"
    assert row_of(text, "Contamination", "fi") == "fi 50.0 58.1! en 57.0, sv 1.0 0 0 3.1! de · 1.0"
    assert row_of(text, "Contamination", "de") == "de 1.0 0.8 en 0.8 0 0.2 0 · · 1.0"


def test_marks_stand_at_numbers_beyond_their_limits_only():
    short = language(
        "pms", short_parts=("train",), source_size=SourceSize(n_chars=3_000_000, exact=False, share_read=0.5)
    )
    text = printed(audit(short, "fi"))
    assert row_of(text, "Text", "pms") == "pms Piedmontese Indo-European Latn ~3.00M 50.0 10.0M! 200k"
    assert row_of(text, "Text", "fi") == "fi Finnish Uralic Latn 25.0M 100 10.0M 200k"


def test_a_table_of_which_nothing_is_known_is_left_out():
    text = printed(audit(LanguageAudit(code="fi", name="Finnish"), overlap="not computed"))
    assert "\nText\n" in text
    for title in ("Balance", "Lengths", "Tokens of", "Contamination"):
        assert f"\n{title}" not in text
    assert "Not computed, because the text is not encoded yet: sentence tokens, tokens." in text


def test_the_sentences_stand_below():
    made = varied(3)
    words = " ".join(printed(made).split())
    for sentence in findings(made):
        assert f"• {sentence}" in words


def test_markup_in_a_name_is_text():
    assert "[bold]x[/bold]" in printed(audit("fi", name="[bold]x[/bold]"))
