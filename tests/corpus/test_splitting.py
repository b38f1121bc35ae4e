"""Train, dev and test text: budgets, and that nothing that is held out is trained on, in any language."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus.sampling import sample
from bloodbank.corpus.sources.source import Document
from bloodbank.corpus.splitting import Part, Parts, comparable
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import CorpusSettings
from bloodbank.randomness import generator
from listed import ListSource, split

PARTS = ("train", "dev", "test")
ALL = 10**9  # a budget that takes whatever there is

# Few letters, so that paragraphs repeat and differ in case and spaces only.
paragraphs = st.text(alphabet="aAbB é中文", max_size=9).map(str.strip)
sources = st.lists(paragraphs, min_size=1, max_size=40).filter(any)
budgets = st.integers(1, 60)


def corpus(parallel="no", *, train=ALL, dev=ALL, test=ALL, **more):
    return CorpusSettings(parallel=parallel, budget_chars=train, dev_chars=dev, test_chars=test, **more)


@st.composite
def corpora(draw):
    return corpus(
        parallel := draw(st.sampled_from(["no", "lines", "stretch"])),
        sampling=draw(st.sampled_from(["consecutive", "streams"])) if parallel == "no" else "consecutive",
        n_streams=draw(st.integers(1, 5)),
        duplicates=draw(st.sampled_from(["drop", "keep"])),
        train=draw(budgets),
        dev=draw(budgets),
        test=draw(budgets),
        heldout_share=draw(st.floats(0.01, 0.5)),
        guard_paragraphs=draw(st.integers(0, 9)),
        seed=draw(st.integers(0, 5)),
    )


@given(sources, corpora())
def test_budgets_are_met_within_one_cut_unless_the_source_is_used_up(lines, chosen):
    found = split(lines, chosen, "de", PARTS)
    wanted = {"train": chosen.budget_chars, "dev": chosen.dev_chars, "test": chosen.test_chars}
    longest = max(map(len, lines))
    for part in PARTS:
        assert sum(map(len, found.parts[part])) <= wanted[part]
    short = [part for part in PARTS if sum(map(len, found.parts[part])) <= wanted[part] - longest]
    if short and chosen.parallel == "no":
        assert found.share_read == 1.0
        assert found.chars_read == sum(map(len, lines))
        taken = {comparable(line) for part in PARTS for line in found.parts[part]}
        left = [comparable(line) for line in lines if line and comparable(line) not in taken]
        # But for what was cut, and what was left out because the cut made it equal to another text.
        assert all(any(line.startswith(other) for other in taken) for line in left)


@given(sources, corpora())
def test_no_paragraph_stands_twice_where_duplicates_are_dropped(lines, chosen):
    found = split(lines, chosen.model_copy(update={"duplicates": "drop"}), "de")
    texts = [comparable(line) for part in found.parts.values() for line in part]
    assert len(texts) == len(set(texts))


@given(sources, corpora())
def test_parts_are_disjoint_also_when_case_and_spaces_are_set_aside(lines, chosen):
    found = split(lines, chosen, "de")
    texts = {part: {" ".join(line.split()).casefold() for line in found.parts[part]} for part in PARTS}
    for part, other in pairwise([*PARTS, "train"]):
        assert not texts[part] & texts[other]


@given(sources, corpora())
def test_parts_are_made_of_the_source(lines, chosen):
    found = split(lines, chosen, "de")
    for part in PARTS:
        *whole, _ = [*found.parts[part], ""]
        assert all(line and any(source.startswith(line) for source in lines) for line in whole)
        assert all(line in lines for line in whole[:-1])  # only the last one may be cut


@given(sources, sources, corpora())
def test_a_split_is_a_function_of_one_language_only(lines, others, chosen):
    alone = split(lines, chosen, "de")
    split(others, chosen, "fi")
    assert split(list(lines), chosen, "de") == alone


@given(sources, corpora())
def test_other_text_of_the_language_is_in_no_other_part_and_within_the_budget(lines, chosen):
    found = split(lines, chosen, "de")
    seen = {" ".join(line.split()).casefold() for part in PARTS for line in found.parts[part]}
    other = found.parts["other"]
    assert not seen & {" ".join(line.split()).casefold() for line in other}
    assert sum(map(len, other)) <= chosen.budget_chars


@pytest.mark.parametrize("parallel", ["no", "lines", "stretch"])
def test_other_text_goes_on_where_the_training_text_ends(parallel):
    lines = [f"number {i:04}" for i in range(200)]
    settings = corpus(parallel, train=11 * 40, dev=11 * 3, test=11 * 7, heldout_share=0.1)
    parts = split(lines, settings, "de").parts
    assert len(parts["other"]) == 40
    last, first = parts["train"][-1], parts["other"][0]
    assert (int(first.split()[1]) - int(last.split()[1])) % 200 == 1


def numbered(n, prefix=""):
    return [f"{prefix}paragraph {i}" for i in range(n)]


def indices(parts, prefix=""):
    return [int(line.removeprefix(f"{prefix}paragraph ")) for line in parts]


def test_text_that_is_not_parallel_starts_elsewhere_in_every_language_and_for_every_seed():
    starts = {
        (language, seed): split(numbered(1_000), corpus(seed=seed, test=100), language).parts["test"][0]
        for language in ("de", "fi", "zh")
        for seed in range(2)
    }
    assert len(set(starts.values())) == 6


def test_text_that_is_not_parallel_goes_on_at_the_beginning():
    # 20 paragraphs of 11 or 12 characters; no cut, so the three parts are the source once round.
    lines = [f"number {i:04}" for i in range(20)]
    found = split(lines, corpus(train=11 * 10, dev=11 * 3, test=11 * 7), "de", PARTS)
    parts = found.parts
    assert [len(parts[part]) for part in PARTS] == [10, 3, 7]
    assert found.chars_read / found.share_read == pytest.approx(20 * 11, rel=0.06)  # all but the last was passed
    order = [int(line.split()[1]) for part in ("test", "dev", "train") for line in parts[part]]
    assert all((b - a) % 20 == 1 for a, b in pairwise(order))


@pytest.mark.parametrize("parallel", ["no", "lines"])
def test_a_paragraph_that_was_cut_for_the_test_text_is_not_trained_on_where_it_is_repeated(parallel):
    lines = ["the same long paragraph", "The same  long paragraph"] * 40
    parts = split(lines, corpus(parallel, test=8, dev=8), "de").parts
    if parallel == "no":
        assert parts["test"] == ["the same"] or parts["test"] == ["The same"]
    assert not [line for line in parts["train"] if comparable(line).startswith("the same")]


@pytest.mark.parametrize("seed", range(8))
def test_the_end_of_a_part_that_is_cut_is_in_no_other_part(seed):
    # Whatever is cut becomes "Add", which stands in the source as well.
    lines = ["Add", "Add device"] * 3 + ["Add a zone", "Add it", "Remove", "Add"]
    for parallel in ("no", "lines"):
        parts = split(lines, corpus(parallel, train=9, dev=4, test=4, heldout_share=0.5, seed=seed), "de").parts
        assert sum("Add" in parts[part] for part in PARTS) <= 1


def test_paragraphs_that_another_part_has_are_counted():
    lines = ["one", "two", "three", "ONE", " two "]
    found = split(lines, corpus(test=8, dev=8), "de")
    assert found.n_repeated == sum(map(len, (lines,))) - len({comparable(x) for p in PARTS for x in found.parts[p]})


# Parallel by line: the same messages in files of several languages, some of them missing, some with equal text.


@given(st.integers(2, 80), st.integers(0, 9), st.floats(0.01, 0.5), st.data())
def test_the_same_lines_are_held_out_in_every_language(n, seed, share, data):
    chosen = corpus("lines", seed=seed, heldout_share=share)
    complete = split(numbered(n), chosen, "de").parts
    missing = data.draw(st.sets(st.integers(0, n - 1), max_size=n - 1))
    lines = ["" if i in missing else line for i, line in enumerate(numbered(n, "fi-"))]
    parts = split(lines, chosen, "fi").parts
    for part in PARTS:
        assert indices(parts[part], "fi-") == [i for i in indices(complete[part]) if i not in missing]
    assert sorted(i for part in PARTS for i in indices(complete[part])) == list(range(n))


def keys_of(texts, lines):
    """Which messages stand behind some text: all that read the same."""
    known = {comparable(text) for text in texts}
    return {key for key, line in enumerate(lines) if line and comparable(line) in known}


@given(st.integers(3, 30), st.integers(0, 9), st.data())
def test_no_language_trains_on_a_translation_of_the_test_text_of_another(n, seed, data):
    # Each language says some messages alike ("open" the verb and "open" the adjective), each others.
    words = st.one_of(
        st.just(""), st.sampled_from(["Open", "open ", "Close", "zone", "Zone"]), st.text("xyz", min_size=5)
    )
    sources = {code: data.draw(st.lists(words, min_size=n, max_size=n).filter(any)) for code in ("en", "de", "fi")}
    sources = {code: [line.strip() for line in lines] for code, lines in sources.items()}
    chosen = corpus("lines", seed=seed, heldout_share=0.3)
    parts = {code: split(lines, chosen, code).parts for code, lines in sources.items()}
    for donor, lines in sources.items():
        trained_on = keys_of(parts[donor]["train"], lines)
        for recipient, others in sources.items():
            for heldout in ("dev", "test"):
                assert not trained_on & keys_of(parts[recipient][heldout], others), (donor, recipient, heldout)


def test_equal_messages_on_both_sides_are_left_out_of_both_and_counted():
    chosen = corpus("lines", heldout_share=0.5)
    complete = split(numbered(20), chosen, "de").parts
    heldout, trained = indices(complete["test"])[0], indices(complete["train"])[0]
    lines = ["Open" if i in (heldout, trained) else line for i, line in enumerate(numbered(20))]
    found = split(lines, chosen, "de")
    assert found.parts["test"] == complete["test"][1:]
    assert found.parts["train"] == complete["train"][1:]
    assert found.parts["dev"] == complete["dev"]
    assert found.n_repeated == 2


def test_dev_text_repeats_no_test_text():
    chosen = corpus("lines", heldout_share=0.5)
    complete = split(numbered(20), chosen, "de").parts
    tested, tuned = indices(complete["test"])[0], indices(complete["dev"])[0]
    lines = ["Open" if i in (tested, tuned) else line for i, line in enumerate(numbered(20))]
    parts = split(lines, chosen, "de").parts
    assert parts["test"] == ["Open", *complete["test"][1:]]
    assert parts["dev"] == complete["dev"][1:]


@pytest.mark.parametrize("other", ["a big straße", "A  Big\u00a0STRASSE", " A big Straße "])
def test_case_and_spaces_make_no_other_paragraph(other):
    assert comparable(other) == comparable("A big Straße") != comparable("A bigStraße")


# A stretch of a book.


@pytest.mark.parametrize("seed", range(10))
def test_a_paragraph_of_a_book_stands_where_its_middle_is(seed):
    middles = {"a" * 20: 0.1, "b" * 50: 0.45, "c" * 30: 0.85}  # of 100 characters
    start = generator(seed, "corpus", "parallel").random()
    chosen = corpus("stretch", heldout_share=0.4, guard_paragraphs=0, seed=seed)
    parts = split(list(middles), chosen, "de").parts
    expected = {line for line, middle in middles.items() if (middle - start) % 1 < 0.4}
    assert {*parts["test"], *parts["dev"]} == expected


@pytest.mark.parametrize("seed", range(6))
def test_a_stretch_is_held_out_in_one_piece_with_a_guard_on_either_side(seed):
    # 100 paragraphs of equal length: paragraph i stands at (i + 0.5) / 100.
    lines = [f"paragraph {i:03}" for i in range(100)]
    parts = split(lines, corpus("stretch", heldout_share=0.1, guard_paragraphs=5, seed=seed), "de").parts
    heldout = indices(parts["test"]) + indices(parts["dev"])
    trained = indices(parts["train"])
    assert len(heldout) == 10
    assert len(trained) == 80
    assert all((b - a) % 100 == 1 for part in (heldout, trained) for a, b in pairwise(part))
    assert min(abs(i - j) for i in trained for j in heldout) == 6


def test_without_a_guard_all_else_is_trained_on():
    lines = [f"paragraph {i:03}" for i in range(100)]
    parts = split(lines, corpus("stretch", heldout_share=0.1, guard_paragraphs=0), "de").parts
    assert len(parts["train"]) == 90


@pytest.mark.parametrize("parallel", ["lines", "stretch"])
def test_parallel_text_is_held_out_whatever_the_language_is_called(parallel):
    chosen = corpus(parallel)
    assert split(numbered(50), chosen, "de") == split(numbered(50), chosen, "zh")
    elsewhere = [split(numbered(50), corpus(parallel, seed=seed), "de").parts["test"] for seed in range(4)]
    assert len({tuple(test) for test in elsewhere}) > 1


def test_what_is_held_out_is_shared_as_the_budgets_are():
    parts = split(numbered(1_000), corpus("lines", heldout_share=0.3, test=200_000, dev=100_000), "de").parts
    assert len(parts["test"]) == pytest.approx(200, abs=1)
    assert len(parts["dev"]) == pytest.approx(100, abs=1)
    assert len(parts["train"]) == pytest.approx(700, abs=1)


# Records with keys.


@given(st.integers(2, 60), st.integers(0, 9), st.data())
def test_the_same_keys_are_held_out_in_every_language(n, seed, data):
    chosen = corpus("keys", seed=seed, heldout_share=0.3)
    keys = [f"verse {i}" for i in range(n)]
    complete = split(ListSource(numbered(n), keys), chosen, "de").parts
    order = data.draw(st.permutations(range(n)))[: data.draw(st.integers(1, n))]
    some = ListSource([f"fi-paragraph {i}" for i in order], [keys[i] for i in order])
    parts = split(some, chosen, "fi").parts
    for part in PARTS:
        assert set(indices(parts[part], "fi-")) == set(indices(complete[part])) & set(order)
    assert sorted(i for part in PARTS for i in indices(complete[part])) == list(range(n))


def test_about_the_asked_share_of_keys_is_held_out():
    source = ListSource(numbered(5_000), [str(i) for i in range(5_000)])
    parts = split(source, corpus("keys", heldout_share=0.2, test=3, dev=1, train=10**6), "de").parts
    assert parts["train"]
    n_train = len(split(source, corpus("keys", heldout_share=0.2), "de").parts["train"])
    assert n_train == pytest.approx(4_000, abs=4 * (5_000 * 0.2 * 0.8) ** 0.5)


def test_records_without_a_key_are_told():
    with pytest.raises(UsageError, match="needs a key for every record: set key_column"):
        split(numbered(5), corpus("keys"), "de")


# From many places.


@pytest.mark.parametrize("seekable", [True, False])
def test_streams_take_equal_shares_from_many_seeded_places(seekable):
    lines = [f"number {i:05}" for i in range(10_000)]
    source = ListSource(lines, seekable=seekable)
    chosen = corpus(train=12 * 800, dev=12 * 100, test=12 * 100, sampling="streams", n_streams=50)
    found = split(source, chosen, "de", PARTS)
    assert {part: len(found.parts[part]) for part in PARTS} == {"train": 800, "dev": 100, "test": 100}
    starts = sorted(generator(0, "corpus", "de").random(50))
    numbers = sorted(int(line.split()[1]) for part in PARTS for line in found.parts[part])
    gaps = sum(b - a > 1 for a, b in pairwise(numbers))
    assert 40 <= gaps < 50  # as many stretches as places, but for some that run into the next
    assert all(any(abs(number / 10_000 - start) < 0.02 for start in starts) for number in numbers)
    assert 0.09 < found.share_read < 0.13
    assert found.chars_read / found.share_read == pytest.approx(120_000, rel=0.1)
    assert len(source.readings) == (50 if seekable else 1)


def test_both_ways_to_reach_the_places_take_the_same_text():
    lines = [f"number {i % 700:05}" for i in range(2_000)]
    chosen = corpus(train=12 * 300, dev=12 * 30, test=12 * 30, sampling="streams", n_streams=7)
    both = [split(ListSource(lines, seekable=seekable), chosen, "de", PARTS) for seekable in (True, False)]
    assert both[0] == both[1]


def test_streams_of_a_short_source_take_all_of_it():
    chosen = corpus(test=36, dev=36, sampling="streams", n_streams=5)
    found = split([f"number {i:05}" for i in range(50)], chosen, "de", PARTS)
    assert sorted(line for part in PARTS for line in found.parts[part]) == [f"number {i:05}" for i in range(50)]
    assert found.share_read == 1.0
    assert found.chars_read == 50 * 12


@pytest.mark.parametrize("seekable", [True, False])
def test_the_size_of_a_source_is_estimated_right_where_a_stretch_has_few_paragraphs(seekable):
    random = generator("lengths of lines")
    lines = [f"number {i:05} " + "x" * int(random.integers(0, 400)) for i in range(20_000)]
    starts = np.cumsum([0, *map(len, lines)])[:-1] / sum(map(len, lines))
    source = ListSource(lines, places=starts.tolist(), seekable=seekable)
    chosen = corpus(train=200_000, dev=10, test=10, sampling="streams", n_streams=300)
    found = split(source, chosen, "de", PARTS)
    assert found.chars_read / found.share_read == pytest.approx(sum(map(len, lines)), rel=0.01)


@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("budget", [12 * 45, 12 * 30, ALL])
def test_what_no_stretch_has_read_is_counted_once_and_what_was_read_is_not_counted_again(seekable, budget):
    lines = [f"number {i:05}" for i in range(60)]
    source = ListSource([*lines, *lines[:2]], seekable=seekable)
    parts = Parts(corpus(train=budget, dev=12, test=12), PARTS)
    # The last place is so near the end that its stretch is short of its share.
    found = sample(source, [0.2, 0.5, 0.97], parts, lambda document: [*document.paragraphs])
    n = sum(map(len, found.parts.values()))
    assert n == min(60, budget // 12 + 2)
    assert sorted({*found.parts["train"], *found.parts["dev"], *found.parts["test"]})[0] == lines[0]
    assert found.chars_read / found.share_read == pytest.approx(62 * 12)
    most = n + 8 if seekable else 62  # one reading meets what lies between the places too
    assert n - 4 <= source.counts["lines"] <= most + 3  # where a stretch ends, a line is met twice
    if budget == ALL:
        assert (found.share_read, found.chars_read, found.n_repeated) == (1.0, 62 * 12, 2)


def test_a_source_of_long_documents_is_not_empty():
    source = ListSource([f"page {i} " + "word " * 1_000 for i in range(40)])
    found = split(source, corpus(train=9_000, dev=500, test=500, sampling="streams", n_streams=10), "de", PARTS)
    assert sum(map(len, found.parts["train"])) >= 8_950


def test_a_sample_reads_no_more_of_the_source_than_it_takes():
    source = ListSource([f"number {i:05}" for i in range(10_000)])
    chosen = corpus(train=12 * 100, dev=12 * 10, test=12 * 10)
    found = split(source, chosen, "fi", PARTS)
    assert sum(n for _, n in source.readings) <= 125
    assert found.share_read == pytest.approx(0.012, abs=1e-3)


# Budgets in bytes.


@given(
    st.lists(st.text("aä中😀 ", min_size=1, max_size=30).map(str.strip).filter(bool), min_size=1), st.integers(1, 60)
)
def test_a_budget_in_bytes_is_never_passed_and_no_character_is_cut_in_two(lines, budget):
    part = Part(budget, in_bytes=True)
    for line in lines:
        if not part.closed:
            part.add(part.offer(line))
    taken = "".join(part.paragraphs).encode()
    assert part.size == len(taken) <= budget
    if part.closed:
        assert len(taken) > budget - 4 * 30
    assert all(any(line.startswith(piece) for line in lines) for piece in part.paragraphs)


# Taking text up to a budget, by hand.


def take(lines, budget):
    """Fill one part, and count the paragraphs that were used up."""
    part, n_taken = Part(budget), 0
    for line in lines:
        if part.closed:
            break
        piece, n_taken = part.offer(line), n_taken + 1
        if piece:
            part.add(piece)
    return part.paragraphs, n_taken


@pytest.mark.parametrize(
    ("lines", "budget", "taken", "n_taken"),
    [
        (["one two", "three four five", "six"], 100, ["one two", "three four five", "six"], 3),
        (["one two", "three four five", "six"], 7, ["one two"], 1),  # whole: nothing of the second
        (["one two", "three four five", "six"], 18, ["one two", "three four"], 2),  # cut before "five"
        (["one two", "three four five", "six"], 17, ["one two", "three four"], 2),  # the space is just beyond
        (["one two", "three four five", "six"], 16, ["one two", "three"], 2),
        (["one two", "three four five", "six"], 8, ["one two", "t"], 2),  # no space to cut at
        (["Donaudampfschiff"], 5, ["Donau"], 1),
        (["我们今天去公园", "天气很好。"], 9, ["我们今天去公园", "天气"], 2),  # Chinese has no spaces
        (["我们今天去公园", "天气很好。"], 12, ["我们今天去公园", "天气很好。"], 2),
        (["a   b"], 3, ["a"], 1),  # no spaces are left at the end
        (["a"], 1, ["a"], 1),
        ([], 5, [], 0),
    ],
)
def test_text_is_taken_up_to_the_budget(lines, budget, taken, n_taken):
    assert take(lines, budget) == (taken, n_taken)
    assert take(iter(lines), budget) == (taken, n_taken)


@given(st.lists(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1).map(" ".join), min_size=1), budgets)
def test_no_more_than_a_word_is_lost_at_the_cut(lines, budget):
    taken, n_taken = take(lines, budget)
    n_chars = sum(map(len, taken))
    wanted = min(budget, sum(map(len, lines)))
    assert wanted - 5 <= n_chars <= wanted
    assert taken[:-1] == lines[: n_taken - 1]
    assert lines[n_taken - 1].startswith(taken[-1])


# Memory.


@pytest.mark.parametrize("parallel", ["no", "lines", "stretch"])
def test_what_is_held_grows_with_the_sample_and_not_with_the_source(parallel):
    class Long(ListSource):
        def read(self, start=0.0):
            for i in range(int(start * 10_000), 10_000):
                yield Document(i / 10_000, (f"number {i:06} " + "long line " * 100,), None)

    source = Long([])
    tracemalloc.start()
    found = split(source, corpus(parallel, train=100_000, dev=10_000, test=10_000), "de", PARTS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(map(len, found.parts["train"])) >= 99_900
    if parallel != "no":
        assert found.chars_read > 10e6
    assert peak < 2.2e6  # of 10 million characters: 120 thousand taken, and less than 200 bytes a line
