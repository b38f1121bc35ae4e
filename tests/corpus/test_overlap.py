"""Overlap of test and training text: against counts of strings, without a hash, and on pairs worked by hand."""

import os
import random
import re
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus import overlap as module
from bloodbank.corpus.overlap import Overlap, compare, fingerprint, overlap, read_fingerprint, write_fingerprint
from bloodbank.errors import BloodbankError, UsageError
from shared_data import shared_data

# The same by brute force: strings in sets. Letters of scripts without spaces are told by their Unicode names.
UNSPACED = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "THAI CHARACTER", "MYANMAR LETTER", "MYANMAR SIGN", "MYANMAR VOWEL")


def is_unspaced(character):
    name = unicodedata.name(character, "")
    return unicodedata.category(character)[0] in "LM" and (name.startswith(UNSPACED) or "MYANMAR CONSONANT" in name)


def pieces(paragraph):
    """Yield (text, is letters): runs between white space, cut where scripts without spaces begin and end."""
    for run in paragraph.split():
        piece = ""
        for character in run:
            if piece and is_unspaced(character) != is_unspaced(piece[-1]):
                yield piece, is_unspaced(piece[-1])
                piece = ""
            piece += character
        yield piece, is_unspaced(piece[-1])


def units(paragraph):
    """Return (text, kind, is right behind another letter)."""
    found = []
    for piece, is_letters in pieces(paragraph):
        if is_letters:
            letters = []
            for character in piece:
                if letters and unicodedata.category(character)[0] == "M":
                    letters[-1] += character
                else:
                    letters.append(character)
            found += [(letter, "letter", i > 0) for i, letter in enumerate(letters)]
            continue
        inside = [i for i, character in enumerate(piece) if unicodedata.category(character)[0] in "LMN"]
        if any(map(str.isalnum, piece)):
            word = piece[inside[0] : inside[-1] + 1]
            found.append((word.casefold(), kind(piece, word), False))
    return found


def kind(piece, word):
    if not any(map(str.isalpha, word)):
        return "numbers"
    if any(a.isdigit() != b.isdigit() and a.isalnum() and b.isalnum() for a, b in pairwise(word)):
        return "codes"
    is_camel = any(all(map(str.islower, word[:n])) and word[n].isupper() for n in range(3, len(word)))
    is_code = is_camel or set(piece) & set("_=<>{}$#@|~^`\\") or set(word) & set("[]")
    return "codes" if is_code else "others"


def words(paragraph):
    found = units(paragraph)
    behind = [joined for _, _, joined in found[1:]] + [False]
    for i, (text, its_kind, joined) in enumerate(found):
        if joined:
            yield (found[i - 1][0], text), "others"
        elif not behind[i]:
            yield text, "others" if its_kind == "letter" else its_kind


def ngrams(paragraph):
    found = units(paragraph)
    n = 16 if 2 * sum(its_kind == "letter" for _, its_kind, _ in found) > len(found) else 8
    texts = [text for text, _, _ in found]
    return [tuple(texts[i : i + n]) for i in range(len(texts) - n + 1)]


def by_brute_force(test, train):
    test = [paragraph for paragraph in test if paragraph.strip()]

    def folded(paragraph):
        return " ".join(paragraph.split()).casefold()

    known = {folded(paragraph) for paragraph in train}
    known_words = {word for paragraph in train for word, _ in words(paragraph)}
    known_ngrams = {one for paragraph in train for one in ngrams(paragraph)}
    running = [one for paragraph in test for one in words(paragraph)]
    grams = [one for paragraph in test for one in ngrams(paragraph)]
    kinds = Counter(its_kind for word, its_kind in running if word in known_words)
    in_train = [paragraph for paragraph in test if folded(paragraph) in known]
    n = len(running)
    return Overlap(
        paragraphs=len(in_train) / len(test),
        chars=sum(map(len, in_train)) / sum(map(len, test)),
        ngrams=sum(one in known_ngrams for one in grams) / len(grams) if grams else None,
        words=kinds.total() / n if n else None,
        **{name: kinds[name] / n if n else None for name in ("numbers", "codes", "others")},
    )


def assert_same(found, expected):
    for name in Overlap.__dataclass_fields__:
        one, other = getattr(found, name), getattr(expected, name)
        assert one == (None if other is None else pytest.approx(other)), name


PARAGRAPHS = st.lists(
    st.text(
        alphabet=st.sampled_from("aAbBß 12٣.,_=(| \u3000中文字かカก\u0e33\u0e48က\u1031\u103dहि\u093f한é\u0301-'"),
        max_size=40,
    ),
    max_size=8,
)


@given(PARAGRAPHS.filter(lambda texts: any(text.strip() for text in texts)), PARAGRAPHS)
def test_as_by_brute_force(test, train):
    assert_same(overlap(test, train), by_brute_force(test, train))


@pytest.mark.parametrize("letters", ["ab", "中文", "กข", "аб1"])
def test_runs_of_words_as_by_brute_force(letters):
    rng = random.Random(letters)  # noqa: S311 -- made-up text
    space = " " if letters[0] in "aа" else ""

    def text(n):
        return [space.join(rng.choices(letters, k=rng.randint(1, 40))) for _ in range(n)]

    test = text(60)
    train = text(30) + [space.join(["a", line, "a"]) for line in test[:30]]
    found = overlap(test, train)
    assert_same(found, by_brute_force(test, train))
    assert 0 < found.ngrams < 1


def test_worked_by_hand():
    train = ["The 3 cats sat on foo_bar.", "Add device", "Paris is far away"]
    test = ["add  DEVICE", "Cats: 3 mats, foo_bar() Berlin paris"]
    found = overlap(test, train)
    assert found.paragraphs == 1 / 2
    assert found.chars == 11 / (11 + 36)
    assert found.ngrams is None
    # add device | cats 3 mats foo_bar berlin paris: of eight words all but mats and berlin.
    assert found.words == 6 / 8
    assert (found.numbers, found.codes, found.others) == (1 / 8, 1 / 8, 4 / 8)


def test_a_copied_passage_is_found():
    train = ["one two three four five six seven eight nine ten"]
    test = ["Before it, TWO three four, five six seven “eight” nine; and what follows is new text altogether"]
    # Ten words make three runs in the training text; of ten runs of the test text (17 words) one is there.
    assert overlap(test, train).ngrams == 1 / 10
    assert overlap(train, train).ngrams == 1.0
    assert overlap(["one two three four five six seven"], train).ngrams is None


def test_a_copied_passage_is_found_in_scripts_without_spaces():
    train = ["这个村庄位于河边，大约有三百名居民，有一座教堂。"]
    # 16 letters in common, punctuation aside.
    assert overlap(["他说过：这个村庄位于河边大约有三百名居民"], train).ngrams == pytest.approx(1 / 4)
    assert overlap(["这个村庄位于山上，大约有四百名居民，有一所学校。"], train).ngrams == 0.0


def test_letters_go_by_twos_where_there_are_no_spaces():
    assert overlap(["日本"], ["本日"]).words == 0.0  # the same letters are no overlap
    assert overlap(["日本人"], ["私は日本へ行く"]).words == 1 / 2
    assert overlap(["A 中 B"], ["中"]).words == 1 / 3  # a lone letter is a word


@pytest.mark.parametrize(
    ("text", "numbers", "codes", "others"),
    [
        ("12 3.5 1,000 २०१० 12:30 -5% 10–12", 7, 0, 0),
        ("mp3 foo_bar a=b example.com getName x{y} http://a.b/c foo() C++11 /usr/bin/x $HOME user@host", 0, 12, 0),
        (
            'Paris don\'t 3,5-kg co-op t.ex. LibreOffice McDonald file(s) hÉireann bhFrainc हिन्दी और/या "word" O’Neill',
            0,
            0,
            14,
        ),
    ],
)
def test_kinds_of_words(text, numbers, codes, others):
    found = overlap([text], [text])
    n = numbers + codes + others
    assert (found.numbers, found.codes, found.others) == pytest.approx((numbers / n, codes / n, others / n))


def test_marks_at_the_end_belong_to_the_word():
    assert overlap(["हिन्दी"], ["हिन्द"]).words == 0.0
    assert overlap(["(हिन्दी)।"], ["हिन्दी"]).words == 1.0


def test_the_text_that_repeats_counts_as_often_as_it_stands_there():
    found = overlap(["a a a b", "a a a b", "c d"], ["A  a a B"])
    assert found.paragraphs == 2 / 3
    assert found.chars == 14 / 17
    assert found.words == 8 / 10


def test_an_empty_training_text_has_nothing_and_an_empty_test_text_is_refused():
    found = overlap(["one two"], ["", " "])
    assert found == Overlap(0.0, 0.0, None, 0.0, 0.0, 0.0, 0.0)
    assert overlap(["—"], ["—"]) == Overlap(1.0, 1.0, None, None, None, None, None)
    with pytest.raises(
        UsageError, match="the test text is empty, so there are no shares of it; give at least one line"
    ):
        overlap(["", "\t"], ["one"])


def test_the_order_of_the_text_and_its_batches_make_no_difference(monkeypatch):
    rng = random.Random(4)  # noqa: S311 -- made-up text
    text = [" ".join(rng.choices(["a", "bc", "d1", "7", "中文", "กำ"], k=30)) for _ in range(200)]
    whole = fingerprint(text)
    monkeypatch.setattr(module, "_AT_ONCE_CHARS", 500)
    for order in (text, sorted(text)):
        other = fingerprint(order)
        for name in whole.__dataclass_fields__:
            assert np.array_equal(getattr(whole, name), getattr(other, name)), name


def test_of_very_many_runs_a_sample_is_kept_that_gives_nearly_the_same_share(monkeypatch):
    rng = random.Random(5)  # noqa: S311 -- made-up text
    lines = [" ".join(rng.choices("abcdefghijklmnopqrst", k=40)) for _ in range(3_000)]
    test = lines[:300] + [" ".join(rng.choices("abcdefghijklmnopqrst", k=40)) for _ in range(700)]
    exact = overlap(test, lines).ngrams
    assert exact == pytest.approx(0.3, abs=0.001)
    monkeypatch.setattr(module, "_MOST_NGRAMS", 10_000)
    print_of_train, print_of_test = fingerprint(lines), fingerprint(test)
    assert print_of_train.ngram_rate[0] == 16  # 99 000 runs
    assert len(print_of_train.ngrams) <= 10_000
    for one in (print_of_test, fingerprint(test)):
        assert compare(one, print_of_train).ngrams == pytest.approx(exact, abs=0.03)
    monkeypatch.undo()
    assert compare(fingerprint(test), print_of_train).ngrams == pytest.approx(exact, abs=0.03)  # rates differ


def test_a_run_that_stands_there_a_million_times_does_not_thin_out_the_others(monkeypatch):
    monkeypatch.setattr(module, "_MOST_NGRAMS", 100)
    assert fingerprint(["a b " * 5_000]).ngram_rate[0] == 1


def test_fingerprints_are_the_same_after_writing_and_reading(tmp_path):
    text = [f"line {i} of the text, 中文字 {i * i}" for i in range(2_000)]
    for lines in (text, text[:1], ["—"], []):
        one = fingerprint(lines)
        write_fingerprint(one, tmp_path / "made" / "train")
        other = read_fingerprint(tmp_path / "made" / "train")
        for name in one.__dataclass_fields__:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    write_fingerprint(fingerprint(text), tmp_path / "made" / "train")
    assert compare(read_fingerprint(tmp_path / "made" / "train"), fingerprint(text)) == overlap(text, text)


@pytest.mark.parametrize("harm", ["missing", "cut", "empty", "pickle"])
def test_a_broken_fingerprint_is_named(tmp_path, harm):
    write_fingerprint(fingerprint([f"word{i}" for i in range(2_000)]), tmp_path / "test")
    path = tmp_path / "test" / "words.npy"
    if harm == "missing":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:5_000])
    elif harm == "empty":
        path.write_bytes(b"")
    else:
        np.save(path, np.array([{}], object), allow_pickle=True)
    message = rf"{re.escape(str(tmp_path))}.test: no whole fingerprint of a text: .*Make the audit again\."
    with pytest.raises(BloodbankError, match=message):
        read_fingerprint(tmp_path / "test")


def test_fingerprints_do_not_depend_on_the_process():
    program = (
        "from bloodbank.corpus.overlap import fingerprint\n"
        "one = fingerprint(['Some words, 中文字 and 12 numbers in foo_bar with more words'])\n"
        "print(one.paragraphs.tolist(), one.words.tolist(), one.ngrams.tolist())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


@pytest.mark.parametrize("unit", ["a", "中", "ก\u0e48", "\u0e48", "(", "/a", "a.", "a ", "中a", "\ud800", "1,", "🙂"])
def test_time_is_linear(unit):
    text = (unit * 300_000)[:300_000]
    start = time.process_time()
    overlap([text], [text])
    assert time.process_time() - start < 10  # 0.7 at most where nothing else runs; hours where time is quadratic


def test_real_text_by_brute_force():
    import lzma

    def lines(language, start, end):
        text = lzma.decompress(shared_data("text", f"{language}.txt.xz").read_bytes()).decode().splitlines()
        return [unicodedata.normalize("NFC", line) for line in text[start:end]]

    for one, other in (("de", "fi"), ("ja", "zh"), ("ru", "ru")):
        test, train = lines(one, 0, 150), lines(other, 150, 1_000)
        found, expected = overlap(test, train), by_brute_force(test, train)
        for name in ("paragraphs", "chars", "ngrams", "words", "numbers"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name)), (one, other, name)
