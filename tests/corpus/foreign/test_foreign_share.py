"""How much of a text is in another language: by line, within lines, and what cannot be judged."""

import lzma

import pytest

from bloodbank.corpus.foreign.foreign_share import are_foreign, foreign_share, is_foreign
from bloodbank.errors import UsageError
from shared_data import shared_data

# Written for these tests; ordinary prose of some length each.
PROSE = {
    "de": [
        "Gestern haben wir lange auf den Zug gewartet, der wegen des Schnees viel zu spät angekommen ist.",
        "Meine Schwester arbeitet seit drei Jahren in einer kleinen Bäckerei am Rande der Stadt.",
        "Wer früh aufsteht, kann am Ufer des Sees manchmal Reiher und andere Vögel beobachten.",
        "Nach dem Essen spielten die Kinder im Garten, bis es dunkel wurde und die Mutter sie rief.",
    ],
    "en": [
        "We had been waiting for the train for almost an hour when somebody told us it was cancelled.",
        "My brother has worked in a small bookshop near the harbour since he finished school.",
        "If you get up early enough you can sometimes see herons standing along the water.",
        "After dinner the children played in the garden until it grew dark and they were called inside.",
    ],
    "fi": [
        "Eilen odotimme junaa asemalla melkein tunnin, koska lumisade oli pysäyttänyt liikenteen.",
        "Siskoni on ollut töissä pienessä leipomossa kaupungin laidalla jo kolmen vuoden ajan.",
        "Aikaisin aamulla järven rannalla voi joskus nähdä haikaroita ja muita lintuja.",
        "Illallisen jälkeen lapset leikkivät pihalla, kunnes tuli pimeä ja äiti kutsui heidät sisään.",
    ],
    "ru": [
        "Вчера мы почти час ждали поезда на станции, потому что из-за снега всё движение остановилось.",
        "Моя сестра уже три года работает в маленькой пекарне на окраине города.",
        "Если встать пораньше, на берегу озера иногда можно увидеть цапель и других птиц.",
        "После ужина дети играли во дворе, пока не стемнело и мама не позвала их домой.",
    ],
    "ja": [
        "昨日は雪のために電車がなかなか来なくて、駅で一時間近く待っていました。",
        "姉は三年前から町のはずれにある小さなパン屋で働いています。",
        "朝早く起きると、湖の岸でときどきサギやほかの鳥を見ることができます。",
        "夕食のあと、子どもたちは暗くなって母親に呼ばれるまで庭で遊んでいました。",
    ],
}


@pytest.mark.parametrize("language", PROSE)
def test_clean_prose_holds_nothing_foreign(language):
    found = foreign_share(PROSE[language] * 25, language)
    assert found.foreign_lines == 0.0
    assert found.foreign_chars < 0.01
    assert found.languages_by_line == {}


@pytest.mark.parametrize("language", [code for code in PROSE if code != "en"])
@pytest.mark.parametrize("n_foreign", [5, 20, 50])
def test_foreign_lines_are_counted_and_named(language, n_foreign):
    lines = (PROSE[language] * 25)[n_foreign:] + (PROSE["en"] * 25)[:n_foreign]
    found = foreign_share(lines, language)
    assert found.foreign_lines == pytest.approx(n_foreign / 100, abs=0.01)
    true = sum(len(line) for line in lines[100 - n_foreign :]) / sum(map(len, lines))
    assert found.foreign_chars == pytest.approx(true, abs=0.02)
    assert list(found.languages_by_line) == ["en"]


@pytest.mark.parametrize("is_foreign_first", [False, True])
@pytest.mark.parametrize("language", ["de", "fi"])  # in the script of the foreign text: nothing but words tells them
def test_foreign_halves_of_lines_count_by_character(language, is_foreign_first):
    halves = [(own, other)[:: -1 if is_foreign_first else 1] for own in PROSE[language] for other in PROSE["en"]]
    found = foreign_share([" ".join(pair) for pair in halves] * 5, language)
    true = sum(map(len, PROSE["en"])) / sum(map(len, PROSE["en"] + PROSE[language]))
    assert found.foreign_chars == pytest.approx(true, abs=0.015)
    assert found.mixed_lines > 0.9


def test_a_foreign_script_is_foreign_whatever_identifiers_know():
    lines = ["ΑΒΓ δεζ ηθι κλμ νξο πρσ τυφ"] * 10 + PROSE["de"] * 5
    assert foreign_share(lines, "de").foreign_lines == pytest.approx(10 / 30, abs=0.01)


@pytest.mark.parametrize("line", ["", "1 234,50", "https://example.org/a?b=c", "OK", "=SUM(A1:B7)", "LibreOffice 7.4"])
def test_what_says_too_little_is_not_judged_and_never_left_out(line):
    assert not is_foreign(line, "fi")
    found = foreign_share([line] * 3 + PROSE["fi"], "fi")
    assert found.foreign_lines == 0.0
    assert found.n_lines - round(found.unjudged_lines * found.n_lines) == 4


def test_what_no_identifier_knows_is_not_possible_and_says_why():
    found = foreign_share(["toki pona li pona"], "x-toki")
    assert found.foreign_chars is None
    assert found.impossible == "not possible, because no identifier knows the private-use code x-toki"
    assert are_foreign(["toki pona li pona"], "x-toki") == [False]


def test_a_text_without_words_has_no_shares():
    found = foreign_share(["12", "", "---"], "de")
    assert (found.foreign_lines, found.n_lines) == (None, 2)
    assert found.impossible == "not possible, because nothing in the text could be judged"


def test_an_unknown_code_is_refused():
    with pytest.raises(UsageError, match="unknown language 'deu_'"):
        foreign_share(["Text"], "deu_")


@pytest.mark.parametrize(
    ("language", "own", "foreign"),
    [
        (
            "hi",
            "सेल A5 में =B5*EXP(A2) लिखें और Enter दबाएँ",
            "The exponential curve is y=b*exp(a*x) or y=b*m^x with m=exp(a)",
        ),
        (
            "ru",
            "Функция VAR.P(Number 1 [; Number 2 [; … [; Number 255]]]) считает",
            'Sub Main(): MsgBox("done"): Call Update(Sheet1): End Sub',
        ),
        ("ja", "関数 SUM(Number 1; Number 2; Number 3) を使います", "Dim oControl As Object: Set oControl = Nothing"),
        ("de", "Die Formel =SUMME(A1:A7) ergibt 12", "Саб Мейн(): Диалог(«готово»): Конец"),
    ],
)
def test_the_filter_takes_what_has_no_letter_of_the_language(language, own, foreign):
    assert are_foreign([own, foreign, "A1:B7", "LibreOffice", ""], language) == [False, True, False, False, False]


def test_the_filter_takes_whole_foreign_paragraphs_and_keeps_the_others():
    lines = [*PROSE["fi"], *PROSE["en"], *PROSE["ru"], "Word", ""]
    assert are_foreign(lines, "fi") == [False] * 4 + [True] * 8 + [False] * 2
    assert [is_foreign(line, "fi") for line in lines] == [False] * 4 + [True] * 8 + [False] * 2


def test_contaminated_help_books_are_found():
    for code, low, high in (("hi", 0.9, 1.0), ("fi", 0.5, 0.7)):
        with lzma.open(shared_data("text-contaminated", f"{code}.txt.xz"), "rt", encoding="utf-8") as file:
            lines = [line.strip() for line in file if line.strip()]
        found = foreign_share(lines[::4], code)
        assert low < found.foreign_lines < high, code
        assert next(iter(found.languages_by_line)) == "en"
