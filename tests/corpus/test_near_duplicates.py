"""Near-duplicates: against the Jaccard index of sets of characters, computed pair by pair without any hash."""

import os
import random
import subprocess
import sys
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus.near_duplicates import NearDuplicates, shingles_of
from shared_data import shared_data

ALPHABETS = {
    "latin": "aaabcdeeefghiiklmnooprsttuväé",
    "cyrillic": "аабвгдееёжзиийклмнооопрстууфхцчшщъыьэюя",
    "devanagari": "कखगघचजटडतदनपबमयरलवशसहािीुूेैोौं",
    "han": "".join(map(chr, range(0x4E00, 0x4E00 + 1_500))),
}


def grams(text):
    text = " ".join(text.split()).casefold()
    n = 3 if 2 * sum("\u2e80" <= letter <= "\ud7ff" for letter in text) > len(text) else 5
    return {text[i : i + n] for i in range(len(text) - n + 1)}


def jaccard(one, other):
    return len(one & other) / len(one | other)


def by_brute_force(paragraphs, threshold=0.8):
    """Answer what `NearDuplicates` answers, and give the likeness to the nearest of those that are kept."""
    kept, short, answers = [], set(), []
    for paragraph in paragraphs:
        own = grams(paragraph)
        if len(own) < 20:
            text = " ".join(paragraph.split()).casefold()
            answers.append((text in short, 1.0))
            short.add(text)
            continue
        nearest = max((jaccard(own, other) for other in kept), default=0.0)
        answers.append((nearest >= threshold, nearest))
        if nearest < threshold:
            kept.append(own)
    return answers


def made_up(alphabet, n, rng):
    """Paragraphs of words, or of letters without spaces; each third is an earlier one with some letters changed."""
    letters = ALPHABETS[alphabet]
    space = "" if alphabet == "han" else " "
    words = ["".join(rng.choices(letters, k=rng.randint(1, 3 if alphabet == "han" else 9))) for _ in range(400)]
    found = []
    for _ in range(n):
        if found and rng.random() < 0.4:
            text = list(rng.choice(found))
            for _ in range(rng.randint(0, max(1, len(text) // 40))):
                place = rng.randrange(len(text))
                text[place] = rng.choice([rng.choice(letters), "", text[place] + rng.choice(words)])
            found.append("".join(text))
        else:
            found.append(space.join(rng.choices(words, k=rng.randint(3, 60))))
    return found


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_as_by_brute_force(alphabet):
    rng = random.Random(f"near {alphabet}")  # noqa: S311 -- made-up text
    n_near = n_found = 0
    for _ in range(3):
        paragraphs = made_up(alphabet, 200, rng)
        near = NearDuplicates()
        for paragraph, (expected, likeness) in zip(paragraphs, by_brute_force(paragraphs), strict=True):
            answer = near.add(paragraph)
            assert expected or not answer, likeness  # what is called near is near
            n_near += expected
            n_found += answer
            if expected != answer:
                break  # from here on the two have kept different paragraphs
    assert n_near > 100
    assert n_found >= 0.99 * n_near


def test_recall_where_it_is_hardest():
    # Pairs just above the threshold: in theory 1 − (1 − 0.8⁶)²⁴ = 0.9993 are met.
    rng = random.Random(5)  # noqa: S311 -- made-up text
    letters = ALPHABETS["latin"] + "   "
    n_pairs = n_found = 0
    while n_pairs < 400:
        text = "".join(rng.choices(letters, k=200))
        other = list(text)
        for place in rng.sample(range(5, 195), 4):
            other[place] = rng.choice("xyzwq")
        other = "".join(other)
        if not 0.8 <= jaccard(grams(text), grams(other)) < 0.85:
            continue
        n_pairs += 1
        near = NearDuplicates()
        assert not near.add(text)
        n_found += near.add(other)
    assert n_found >= 396


@pytest.mark.parametrize("threshold", [0.8, 0.9, 1.0])
def test_the_threshold_is_met_exactly(threshold):
    # Twenty sets each: 18 of them in both (J = 18/22), then 19 (19/21), then 20.
    base = "abcdefghijklmnopqrstuvwx"
    for n_changed, likeness in ((2, 18 / 22), (1, 19 / 21), (0, 1.0)):
        other = base[: len(base) - n_changed] + "!?"[:n_changed]
        assert jaccard(grams(base), grams(other)) == pytest.approx(likeness)
        near = NearDuplicates(threshold)
        near.add(base)
        assert near.add(other) is (likeness >= threshold)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Add device", "Add devices"),
        ("Gerät hinzufügen", "Geräte hinzufügen"),
        ("添加一个新的设备到系统", "添加一个新的设备到系统中"),
        ("", "a"),
        ("abcdefghijklmnopqrstuvw", "abcdefghijklmnopqrstuv"),
    ],
)
def test_short_paragraphs_are_near_only_where_they_are_equal(one, other):
    near = NearDuplicates()
    assert [near.add(one), near.add(other), near.add(one.upper() + " "), near.add(other)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "The village has 345 inhabitants and lies on the river, north of the town.",
            "The village has 345 inhabitants and lies on the river, south of the town.",
        ),
        (
            "这个村庄有三百四十五名居民，位于河边，在城镇的北面，靠近一座古老的桥梁。",
            "这个村庄有三百四十五名居民，位于河边，在城镇的北面，靠近一座古老的桥梁",
        ),
        ("ဤရွာသည် မြစ်ကမ်းနားတွင် တည်ရှိပြီး လူဦးရေ သုံးရာ ရှိသည်။", "ဤရွာသည်  မြစ်ကမ်းနားတွင် တည်ရှိပြီး လူဦးရေ သုံးရာ ရှိသည်"),
        ("ДЕРЕВНЯ СТОИТ НА БЕРЕГУ РЕКИ К СЕВЕРУ ОТ ГОРОДА", "Деревня стоит на берегу реки к северу от города."),
    ],
)
def test_paragraphs_that_are_nearly_the_same(one, other):
    near = NearDuplicates()
    assert not near.add(one)
    assert near.add(other)


def test_what_is_near_is_not_kept_in_mind():
    # b is near a, and c near b but not near a: with b left out, c is new.
    a = "".join(map(chr, range(0x4E00, 0x4E00 + 104)))
    b, c = a[8:] + "abcdefgh", a[16:] + "abcdefghijklmnop"
    assert jaccard(grams(a), grams(b)) >= 0.8 <= jaccard(grams(b), grams(c))
    assert jaccard(grams(a), grams(c)) < 0.8
    near = NearDuplicates()
    assert [near.add(text) for text in (a, b, c, c)] == [False, True, False, True]


@given(st.lists(st.text(max_size=60), max_size=12))
def test_anything_may_come_and_equal_paragraphs_are_near(paragraphs):
    near = NearDuplicates()
    first = [near.add(paragraph) for paragraph in paragraphs]
    assert not any(first[:1])
    assert all(near.add(paragraph) for paragraph in paragraphs)


@given(st.text(alphabet="ab한글 é\ud800", max_size=60))
def test_there_is_one_hash_for_each_set_of_characters(text):
    text = " ".join(text.split())
    assert len(shingles_of(text)) == len(grams(text))


def test_as_many_words_may_differ_in_chinese_as_in_german():
    # One word of some thirty is another one.
    german = (
        "Das Dorf liegt am Ufer des Flusses und hat etwa dreihundert Einwohner, eine Kirche, eine Schule und {} Brücke"
    )
    chinese = "这个村庄位于河边，大约有三百名居民，有一座教堂、一所学校和一座{}的桥梁，村民多以农业和捕鱼为生"
    for form, one, other in ((german, "alte", "neue"), (chinese, "古老", "崭新")):
        near = NearDuplicates()
        assert [near.add(form.format(one)), near.add(form.format(other))] == [False, True]


def test_shingles_of_a_long_text_are_those_of_its_pieces():
    rng = random.Random(0)  # noqa: S311 -- made-up text
    text = "".join(rng.choices("abcdefgh", k=9_000))
    sets = {text[i : i + 5] for i in range(len(text) - 4)}
    assert len(shingles_of(text)) == len(sets)
    assert set(shingles_of(text).tolist()) == {int(shingles_of(one)[0]) for one in sets}


def test_the_answers_do_not_depend_on_the_process():
    program = (
        "from bloodbank.corpus.near_duplicates import NearDuplicates, shingles_of\n"
        "near = NearDuplicates()\n"
        "print([near.add(f'the same long paragraph number {i % 30} of the {i % 7} texts') for i in range(90)])\n"
        "print(shingles_of('äbcdefgh').tolist())"
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
    assert "True" in printed.pop()


def test_none_is_forgotten_while_the_index_grows():
    rng = random.Random(3)  # noqa: S311 -- made-up text
    paragraphs = ["".join(rng.choices("abcdefghijklmnop ", k=90)).strip() for _ in range(2_800)]  # it grows at 2 730
    near = NearDuplicates()
    assert not any(map(near.add, paragraphs))
    assert all(near.add(paragraph + "!") for paragraph in paragraphs)


def test_many_paragraphs_of_one_form_are_not_compared_with_all():
    # A thousand letters of one form share bands, but are not near: likeness about 0.6.
    rng = random.Random(1)  # noqa: S311 -- made-up text
    form = "Dear customer, your order will be sent to the address below as soon as it is ready. "
    near = NearDuplicates()
    start = time.process_time()
    answers = [near.add(form + "".join(rng.choices("abcdefghijklmnop", k=45))) for _ in range(1_000)]
    assert sum(answers) == 0
    assert time.process_time() - start < 15  # 1 where nothing else runs


def test_memory_and_time_stay_small():
    rng = random.Random(2)  # noqa: S311 -- made-up text
    paragraphs = ["".join(rng.choices("abcdefghij ", k=100)) for _ in range(2_000)]
    tracemalloc.start()
    try:
        near = NearDuplicates()
        assert not any(map(near.add, paragraphs))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000  # 200 kB of text


def test_a_long_paragraph_takes_little():
    paragraph = "".join(map(str, range(200_000)))
    near = NearDuplicates()
    start = time.process_time()
    assert not near.add(paragraph)
    assert near.add(paragraph + "!")
    assert time.process_time() - start < 10  # 0.7 where nothing else runs


def test_real_text_against_brute_force():
    import lzma

    lines = lzma.decompress(shared_data("text", "ja.txt.xz").read_bytes()).decode().splitlines()[:700]
    near = NearDuplicates()
    expected = [answer for answer, _ in by_brute_force(lines)]
    found = [near.add(line) for line in lines]
    assert sum(expected) > 5
    assert found == expected
