"""Training data of the same size: which sentences are taken, and what is told of those that are not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.downstream.tasks.data import Sentence, Split, balance
from bloodbank.downstream.tasks.pos_and_ner import PosTask
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import BalanceSettings
from shared_data import shared_data


def split(language, n, notes=()):
    made = (Sentence((f"{language}{i}",) * (i % 3 + 1), ("X",) * (i % 3 + 1), f"f:{i}") for i in range(n))
    return Split("pos", language, "train", tuple(made), notes)


def first_words(one):
    return [sentence.words[0] for sentence in one.sentences]


def settings(**changed):
    return BalanceSettings(**changed)


def test_the_first_are_taken_and_the_rest_is_told():
    (a, b), table = balance([split("x-a", 10), split("x-b", 3, ("old",))], settings(), 5)
    assert first_words(a) == [f"x-a{i}" for i in range(5)]
    assert first_words(b) == [f"x-b{i}" for i in range(3)]
    assert a.notes == ("the first 5 of 10 training sentences",)
    assert b.notes == ("old", "3 training sentences, fewer than the 5 asked for")
    assert table.to_dict("list") == {
        "language": ["x-a", "x-b"],
        "n_available": [10, 3],
        "n_sentences": [5, 3],
        "n_words": [1 + 2 + 3 + 1 + 2, 1 + 2 + 3],
        "n_missing": [0, 2],
    }


def test_all_can_be_cut_to_the_smallest():
    (a, b), table = balance([split("x-a", 10), split("x-b", 3)], settings(too_few="cut_all"), 5)
    assert (len(a.sentences), len(b.sentences)) == (3, 3)
    assert table["n_missing"].tolist() == [2, 2]
    assert a.notes == ("the first 3 of 10 training sentences",)
    assert b.notes == ()


def test_a_number_that_is_set_goes_before_that_of_the_task():
    (a,), table = balance([split("x-a", 10)], settings(n_sentences=10), 5)
    assert (a, table["n_missing"].tolist()) == (split("x-a", 10), [0])


def test_a_sample_is_the_same_in_every_run_and_differs_between_languages():
    def sample(*languages):
        return [
            first_words(one) for one in balance([split(x, 100) for x in languages], settings(choice="sample"), 20)[0]
        ]

    one, other = sample("x-a", "x-b")
    assert sample("x-b", "x-a") == [other, one]
    places = [[int(word[3:]) for word in words] for words in (one, other)]
    assert all(each == sorted(set(each)) and len(each) == 20 for each in places)
    assert places[0] != places[1]
    assert places[0][-1] > 50  # from all over
    assert balance([split("x-a", 100)], settings(choice="sample"), 20)[0][0].notes == (
        "a sample of 20 of 100 training sentences",
    )


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(1, 30), st.booleans(), st.booleans())
def test_counts_are_what_was_asked_for(sizes, n, cut_all, sample):
    made = [split(f"x-{'abcde'[i]}", size) for i, size in enumerate(sizes)]
    chosen = settings(too_few="cut_all" if cut_all else "keep", choice="sample" if sample else "first")
    found, table = balance(made, chosen, n)
    wanted = [min(n, *sizes)] * len(sizes) if cut_all else [min(n, size) for size in sizes]
    assert [len(one.sentences) for one in found] == table["n_sentences"].tolist() == wanted
    for before, after in zip(made, found, strict=True):
        rest = iter(before.sentences)
        assert all(sentence in rest for sentence in after.sentences)  # in their order


def test_the_shared_treebanks():
    folder = shared_data("ud")
    codes = ("el", "hu", "ja")
    found, table = balance([PosTask().read(folder, code, "train") for code in codes], settings(), PosTask.n_train)
    assert table["n_available"].tolist() == [1_662, 910, 507]
    assert table["n_sentences"].tolist() == [1_000, 910, 507]
    assert found[2].notes == (
        "train is absent: dev is used for training", "507 training sentences, fewer than the 1,000 asked for",
    )  # fmt: skip


def test_what_cannot_be_balanced():
    with pytest.raises(UsageError, match=r"^Training data of x-a is there twice\."):
        balance([split("x-a", 1), split("x-a", 2)], settings(), 5)
    with pytest.raises(UsageError, match=r"^There is no training data to balance\."):
        balance([], settings(), 5)
