"""What each word says about its language: evidence stays with the word that it comes from."""

import numpy as np
import pytest

from bloodbank.corpus.foreign.evidence import Candidates, Own, Reading, evidence
from bloodbank.corpus.foreign.foreign_share import foreign_share
from bloodbank.corpus.foreign.identifiers import bayes


def candidates(own, *foreign):
    return Candidates(Own.of(own), foreign)


def words_for(text, own, foreign):
    """Each word with its evidence for the foreign language."""
    reading, languages = Reading([text]), candidates(own, foreign)
    found = evidence(reading, languages)[:, languages.n_own :].max(1)
    return [(word.decode().strip(), float(value)) for word, value in zip(reading.passages.words, found, strict=True)]


@pytest.mark.parametrize(
    ("before", "own", "foreign", "first"),
    [
        ("Deaktivieren wählen Sie erneut", "de", "en", "when"),
        ("Klicken Sie auf den Anfang", "de", "en", "when"),
        ("Valitse kaikki solut", "fi", "en", "which"),
    ],
)
def test_how_a_word_ends_is_no_evidence_on_the_next_one(before, own, foreign, first):
    alone = dict(words_for(first, own, foreign))[first]
    assert words_for(f"{before} {first}", own, foreign)[-1] == (first, pytest.approx(alone, abs=0.5))


@pytest.mark.parametrize(("text", "own", "foreign"), [("Megnyitja The", "hu", "en"), ("Click Wählen", "en", "de")])
def test_a_word_with_a_capital_is_read_as_without_but_may_be_a_name(text, own, foreign):
    small = words_for(text.lower(), own, foreign)
    for (word, capital), (same, without) in zip(words_for(text, own, foreign), small, strict=True):
        assert word == same
        assert capital == pytest.approx(np.clip(without, -1.8, 1.8))  # 0.3 times the limit of 6 for what may be a name


@pytest.mark.parametrize("piece", ["Give me the bread", "Cell Entries that Start with"])
def test_a_short_foreign_piece_within_a_line_is_found_with_its_first_word(piece):
    mixed, own = f"Danach sagte er {piece} und ging wieder nach Hause.", "Sie können die Farbe der Linie ändern."
    found = foreign_share([mixed, own] * 30, "de").foreign_chars
    assert found == pytest.approx((len(piece) + 1) / (len(mixed) + len(own) + 2), abs=0.001)


def test_a_word_has_the_same_evidence_at_the_end_as_before_a_number():
    assert words_for("wir warten lange", "de", "en") == words_for("wir warten lange 12", "de", "en")


@pytest.mark.parametrize(
    "text", ["Über den Wolken", "昨日は雪のためにtrainが来なくて", "Иван ждал the train на станции", "a", ""]
)
def test_the_evidence_of_words_adds_up_to_that_of_the_text(text):
    weights = candidates("de", "en", "ru", "ja").weights
    _, features = bayes().find(Reading([text]).passages.texts())
    total = weights[features].astype(np.float64).sum(0)
    assert Reading([text]).sums(weights).sum(0) == pytest.approx(total, rel=1e-4, abs=1e-3)
