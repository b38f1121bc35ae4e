"""The same stretch of a book is held out by content, whatever parts a translation lacks or has elsewhere."""

from itertools import pairwise

import numpy as np
import pytest

from bloodbank.corpus.anchors import align, anchor_words, anchors_of, longest_chain
from bloodbank.corpus.parallel import Pivot
from bloodbank.corpus.stretch import LEFT_OUT, TEST, TRAIN, find_stretch, zones_of_pivot
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import CorpusSettings
from listed import ListSource, as_they_are, split
from made_books import make_book

ALL = 10**9


def settings(seed=0, **more):
    return CorpusSettings(parallel="stretch", budget_chars=ALL, dev_chars=ALL, test_chars=ALL, seed=seed, **more)


def parts_of(books, chosen):
    """Split each book, the first being the pivot; return which originals each part holds."""
    (first, book), *_ = books.items()
    pivot = Pivot.of(ListSource(book.lines), first, as_they_are)
    found = {}
    for name, own in books.items():
        parts = split(own.lines, chosen, name, pivot=None if name == first else pivot).parts
        found[name] = {part: set(own.numbers(parts[part])) for part in ("train", "dev", "test")}
    return found


BOOKS = {
    "whole": {},
    "missing": {"missing": [(100, 350), (700, 760)]},
    "moved": {"moved": (400, 520, 60)},
    "both": {"missing": [(0, 200)], "moved": (820, 900, 300)},
}


@pytest.mark.parametrize("seed", range(12))
def test_no_language_trains_on_a_translation_of_what_another_holds_out(seed):
    books = {name: make_book(name, seed=seed, **how) for name, how in BOOKS.items()}
    found = parts_of(books, settings(seed))
    for donor in found:
        for recipient in found:
            heldout = found[recipient]["test"] | found[recipient]["dev"]
            assert not found[donor]["train"] & heldout, (donor, recipient)
    # What is left out to be sure is no more than a part of the book.
    assert all(len(found[name]["train"]) > 0.6 * len(book.lines) for name, book in books.items())


def test_by_share_of_the_characters_the_same_books_would_leak():
    leaks = 0
    for seed in range(12):
        books = {name: make_book(name, seed=seed, **how) for name, how in BOOKS.items()}
        alone = {name: split(book.lines, settings(seed), name).parts for name, book in books.items()}
        train, test = (
            books["whole"].numbers(alone["whole"]["train"]),
            books["missing"].numbers(alone["missing"]["test"]),
        )
        leaks += bool(set(train) & set(test))
    assert leaks >= 6


def test_a_whole_translation_holds_out_what_the_pivot_does_but_for_its_edges():
    books = {name: make_book(name, anchored=0.5) for name in ("one", "two")}
    found = parts_of(books, settings(guard_paragraphs=5, guard_anchors=1))
    one, two = (found[name]["test"] | found[name]["dev"] for name in books)
    assert two <= one
    assert len(two) > 0.9 * len(one)
    nearest = min(abs(i - j) for i in found["two"]["train"] for j in one)
    assert nearest > 5


def test_guards_are_counted_in_paragraphs_and_in_anchors():
    lines = [f"word Anchor{i}" for i in range(200)]
    zones = zones_of_pivot(np.full(200, 10), 0.5, 0.1, 0.2)
    anchors = anchors_of(lines)
    assert [int((zones == zone).sum()) for zone in (TRAIN, TEST)] == [160, 20]
    for paragraphs, n_anchors, expected in ((0, 0, 0), (7, 0, 7), (0, 4, 4), (3, 4, 4)):
        found = find_stretch(
            anchors, anchors, zones, guard_paragraphs=paragraphs, guard_anchors=n_anchors, names=("b", "a")
        )
        assert int((found == LEFT_OUT).sum()) == 2 * expected
        assert np.array_equal(found == TEST, zones == TEST)


@pytest.mark.parametrize("seed", range(3))
def test_a_text_that_shares_too_little_is_refused_with_the_remedies(seed):
    one, two = make_book("one", seed=seed), make_book("two", seed=seed + 100, anchored=0.0)
    pivot = Pivot.of(ListSource(one.lines), "de", as_they_are)
    with pytest.raises(UsageError, match=r'^fi: corpus.parallel = "stretch" .* parallel = "lines".*"keys".*"no"'):
        split(two.lines, settings(), "fi", pivot=pivot)


def test_unrelated_texts_that_share_names_in_no_order_are_refused():
    names = [f"Name{i}" for i in range(300)]
    order = np.random.default_rng(0).permutation(300)
    one, two = [f"x {name}" for name in names], [f"y {names[i]}" for i in order]
    pivot = Pivot.of(ListSource(one), "de", as_they_are)
    with pytest.raises(UsageError, match=r"300 such places are known, [1-9][0-9]? of them in the same order"):
        split(two, settings(), "fi", pivot=pivot)


# Anchors.


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "The value 2021 of CreateScriptService in OpenDocument",
            ["2021", "The", "CreateScriptService", "OpenDocument"],
        ),
        ("値は 2021 で CreateScriptService を使う", ["2021", "CreateScriptService"]),
        ("٢٠٢١ and २०२१ are 2021", ["2021"]),  # digits by their value
        ("x_y f1 a 7 is it", ["x_y"]),  # single digits and short words stand everywhere
        ("ЭТО Excel2007", ["ЭТО", "Excel2007"]),
        ("lower case only", []),
        ("9" * 5_000, ["9" * 5_000]),
    ],
)
def test_words_that_translations_keep(line, words):
    assert sorted(anchor_words(line)) == sorted(words)


def test_the_longest_chain_is_the_longest():
    one = dict(enumerate(range(6)))
    other = dict(enumerate([3, 0, 1, 5, 2, 4]))
    chain = longest_chain(one, other)
    assert len(chain) == 4  # 0, 1, 2, 4
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(chain))
    assert longest_chain({}, other) == []


def test_between_anchors_what_is_rare_there_aligns_too():
    one = ["Alpha", "Rare", "x", "Beta", "Rare", "y", "Gamma"]
    two = ["Alpha", "z", "Rare", "Beta", "w", "Rare", "Gamma"]
    assert align(anchors_of(one), anchors_of(two)).tolist() == [[0, 0], [1, 2], [3, 3], [4, 5], [6, 6]]


def test_anchors_are_read_as_they_were_written(tmp_path):
    anchors = anchors_of(["Alpha 12", "", "Beta"])
    anchors.write(tmp_path, "text")
    read = type(anchors).read(tmp_path, "text")
    assert (read.n_lines, read.lines.tolist(), read.words.tolist()) == (3, [0, 0, 2], anchors.words.tolist())
