"""Words by hand in many scripts and against another library; histograms against numpy."""

import time
import tracemalloc
from collections import Counter

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus.audit.lengths import Blocks, mean_length, pairwise, word_lengths
from bloodbank.languages import NO_SPACES, PAPER_LANGUAGES, PAPER_TOKENIZER_LANGUAGES, get_language


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", []),
        (" \t\u3000 ", []),
        ("Hello, world!", [5, 5]),
        ("(The) “house” – it's 3.5 km…", [3, 5, 4, 3, 2]),
        ("— ... %% * 😀", []),
        ("e-mail and/or foo_bar", [6, 6, 7]),
        ("https://example.org/a?b=c", [25]),
        ("Größe", [5]),
        ("Россия, мир.", [6, 3]),
        ("हिन्दी में", [6, 3]),  # marks count, and none is cut off
        ("नेपाली।", [6]),
        ("مرحبا، العالم!", [5, 6]),
        ("می‌خواهم", [8]),  # the joiner stands inside
        ("שָׁלוֹם", [7]),
        ("대한민국은 나라다.", [5, 3]),
        ("大韓民國은", [1, 1, 1, 1, 1]),
        ("我爱北京。", [1, 1, 1, 1]),
        ("用Python3编程", [1, 7, 1, 1]),
        ("2019年10月", [4, 1, 2, 1]),
        ("2019、2020，20", [4, 4, 2]),  # punctuation of full width stands between words
        ("人々は", [1, 1, 1]),
        ("ひらがなとカタカナ", [5, 4]),
        ("コーヒー・ラーメンをのむ", [4, 4, 3]),
        ("すごーい", [4]),
        ("ーあ", [2]),
        ("か\u3099き", [3]),  # a mark that was not composed stays with its kana
        ("สวัสดี", [1, 2, 1, 2]),
        ("ภาษา ๒๕๔๐", [1, 1, 1, 1, 4]),
        ("မြန်မာ။", [2, 2, 2]),
        ("ភាសា\u200bខ្មែរ", [2, 2, 2, 2, 1]),
        ("བོད་སྐད་ཡིན།", [3, 3, 3]),
        ("ሰላም፡ለዓለም።", [3, 4]),
        ("ꆈꌠ", [1, 1]),
        ("foo\u200bbar", [3, 3]),
        ("foo😀bar", [3, 3]),
        ("naïve cafe\u0301!", [5, 5]),
        ("\u0301 \u094d", []),  # marks that stand alone
        ("x❤️ y", [1, 1]),
        ("Ⅳ ½ ②", [1, 1, 1]),
        ("〇", [1]),
        ("\ud800a\ud800 \ud800", [1]),
        ("\x00a\x00", [1]),
    ],
)
def test_words_by_hand(text, lengths):
    assert word_lengths(text) == lengths
    assert word_lengths(text) == lengths  # and again, from what is kept


ALPHABET = "aZäß7½жЯनिीम्द한글עָא'-._/“”…!%€ \n\u00a0"


@given(st.text(ALPHABET))
def test_words_of_scripts_with_spaces_are_those_of_another_library(text):
    pattern = regex.compile(r"[\p{L}\p{N}](?:\S*[\p{L}\p{N}\p{M}])?")
    # A mark on punctuation is no end of a word, and the pattern above would take it for one.
    text = regex.sub(r"(?<=[^\p{L}\p{N}\p{M}])\p{M}+", "", regex.sub(r"^\p{M}+", "", text))
    assert word_lengths(text) == [len(word) for word in pattern.findall(text)]


@given(st.text())
def test_any_text_has_words_that_fit_into_it(text):
    lengths = word_lengths(text)
    assert all(length > 0 for length in lengths)
    assert sum(lengths) <= sum(map(len, text.split()))
    assert word_lengths(f"{text}\n{text}") == 2 * lengths
    assert bool(lengths) or not regex.search(r"[\p{L}\p{Nd}]", text) or regex.search(r"\p{Cn}", text)


@pytest.mark.parametrize("unit", ["a", "a-", "-", "中", "中か", "\u0301", "a\u0301", "ก"])
def test_a_line_without_end_costs_time_and_memory_in_its_length_only(unit):
    line = unit * 500_000
    word_lengths(unit)
    tracemalloc.start()
    started = time.process_time()
    lengths = word_lengths(line)
    seconds, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(lengths) <= len(line)
    assert seconds < 5
    assert peak < 60e6 + 80 * len(lengths)


def test_many_different_words_do_not_fill_the_memory():
    tracemalloc.start()
    for start in range(0, 450_000, 1_000):
        word_lengths(" ".join(f"wort{number}" for number in range(start, start + 1_000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


def test_the_languages_without_comparable_words():
    scripts = {code: get_language(code).script for code in PAPER_LANGUAGES + PAPER_TOKENIZER_LANGUAGES}
    assert {code for code, script in scripts.items() if script in NO_SPACES} == {"ja", "zh", "my", "th"}
    assert {code for code in ("km", "lo", "bo", "dz", "shn", "ko", "vi") if get_language(code).script in NO_SPACES} == {
        "km", "lo", "bo", "dz", "shn"
    }  # fmt: skip


def test_a_mean_by_hand():
    assert mean_length(Counter({3: 3, 10: 1})) == 19 / 4
    assert mean_length(Counter()) == 0


@given(st.lists(st.integers(0, 2_000), min_size=1))
def test_the_mean_is_that_of_numpy(values):
    assert mean_length(Counter(values)) == pytest.approx(np.mean(values))


def fill(sentences, **settings):
    blocks = Blocks(**settings)
    for sentence in sentences:
        blocks.add(sentence)
    return blocks


def test_blocks_keep_the_order_of_the_text():
    blocks = fill([[1], [2], [3], [4], [5]], n_sentences=2)
    assert blocks.blocks() == [Counter([1, 2]), Counter([3, 4]), Counter([5])]
    assert blocks.lengths == Counter([1, 2, 3, 4, 5])


def test_a_block_counts_sentences_not_lengths():
    blocks = fill([[1, 1, 1], [], [2]], n_sentences=2)
    assert blocks.blocks() == [Counter([1, 1, 1]), Counter([2])]


def test_neighbours_are_merged_where_blocks_become_too_many():
    blocks = fill([[number] for number in range(16)], n_sentences=2, max_blocks=4)
    # Four blocks of 2 become two of 4, and with two more of 4 two of 8.
    assert blocks.n_sentences == 8
    assert [sorted(block) for block in blocks.blocks()] == [list(range(8)), list(range(8, 16))]


@given(st.lists(st.lists(st.integers(0, 9), max_size=3)), st.integers(1, 3), st.integers(2, 5))
def test_blocks_lose_nothing_and_stay_few(sentences, n_sentences, max_blocks):
    blocks = fill(sentences, n_sentences=n_sentences, max_blocks=max_blocks)
    assert blocks.lengths == Counter(length for sentence in sentences for length in sentence)
    assert len(blocks.blocks()) <= max_blocks


def test_pairs_of_an_odd_number_leave_the_last_alone():
    assert pairwise([Counter([n]) for n in range(3)]) == [Counter([0, 1]), Counter([2])]
    assert pairwise([]) == []


def test_memory_is_flat_in_the_length_of_the_text():
    generator = np.random.default_rng(0)
    lengths = generator.geometric(0.06, size=300_000).tolist()
    tracemalloc.start()
    blocks = Blocks(n_sentences=10, max_blocks=256)
    for length in lengths:
        blocks.add((length,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert blocks.n_sentences >= 1_280
    assert peak < 5e6
