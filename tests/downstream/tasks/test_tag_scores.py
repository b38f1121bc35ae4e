"""Scores against scikit-learn and seqeval, on real labels with made-up mistakes and on anything; counts add up."""

import warnings

import numpy as np
import pytest
import seqeval.metrics
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import IOB2, Entities
from sklearn.metrics import accuracy_score
from sklearn.metrics import f1_score as tag_f1_score

from bloodbank.downstream.tables import majority_labels
from bloodbank.downstream.tasks.bio import BIO_LABELS
from bloodbank.downstream.tasks.conllu import UPOS
from bloodbank.downstream.tasks.data import Sentence, Split
from bloodbank.downstream.tasks.entities import strict_entities, xtreme_chunks
from bloodbank.downstream.tasks.pos_and_ner import NerTask, PosTask, get_task, macro_f1
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from shared_data import shared_data

POS, NER = PosTask(), NerTask()
STRICT = {"mode": "strict", "scheme": IOB2, "zero_division": 0}


def quietly(call, *arguments, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*arguments, **settings)


def flat(labels):
    return [label for one in labels for label in one]


def lists(labels):
    return [list(one) for one in labels]


def with_mistakes(gold, labels, share, name):
    """Other labels at random places: some neighbours' (as taggers do), some any."""
    random = generator("mistakes", name)
    found = []
    for one in gold:
        moved = np.roll(one, 1).tolist()
        kind = random.random(len(one))
        found.append(tuple(
            any_ if k < share / 2 else near if k < share else right
            for right, near, any_, k in zip(one, moved, random.choice(labels, len(one)).tolist(), kind, strict=True)
        ))  # fmt: skip
    return found


def sklearn_macro(gold, predicted):
    return tag_f1_score(flat(gold), flat(predicted), average="macro", labels=sorted(set(flat(gold))), zero_division=0)


def seqeval_of_xtreme(gold, predicted):
    """seqeval 0.0.12, as today's: it took the first letter for the place and the whole label for the type."""
    old = [
        [[f"{label[0]}-{label.rsplit('-', 1)[-1]}" for label in one] for one in labels] for labels in (gold, predicted)
    ]
    # A label of one letter but O has its type behind the hyphen like all others.
    old = [[["O" if label == "O-O" else label for label in one] for one in labels] for labels in old]
    return quietly(seqeval.metrics.f1_score, *old, zero_division=0)


def check_pos(gold, predicted):
    found = POS.scores(gold, predicted)
    assert found["accuracy"] == pytest.approx(accuracy_score(flat(gold), flat(predicted)), abs=1e-12)
    assert found["macro_f1"] == pytest.approx(sklearn_macro(gold, predicted), abs=1e-12)
    assert found["xtreme_f1"] == pytest.approx(seqeval_of_xtreme(gold, predicted), abs=1e-12)


def check_ner(gold, predicted):
    found = NER.scores(gold, predicted)
    for name in ("f1", "precision", "recall"):
        wanted = quietly(getattr(seqeval.metrics, f"{name}_score"), lists(gold), lists(predicted), **STRICT)
        assert found[name] == pytest.approx(wanted, abs=1e-12), name
    lenient = quietly(seqeval.metrics.f1_score, lists(gold), lists(predicted), zero_division=0)
    assert found["xtreme_f1"] == pytest.approx(lenient, abs=1e-12)
    assert found["accuracy"] == pytest.approx(accuracy_score(flat(gold), flat(predicted)), abs=1e-12)


@pytest.mark.parametrize("language", ["de", "zh", "tr"])
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_scores_of_tags_equal_their_peers_on_a_treebank(language, share):
    gold = POS.read(shared_data("ud"), language, "test").labels[:400]
    check_pos(gold, with_mistakes(gold, UPOS, share, language))


@pytest.mark.parametrize("language", ["de", "ru"])
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_scores_of_entities_equal_their_peers_on_wikiann(language, share):
    gold = NER.read(shared_data("wikiann"), language, "test").labels[:1_500]
    check_ner(gold, with_mistakes(gold, BIO_LABELS, share, language))


def pairs_of(labels):
    label = st.sampled_from(labels)
    both = st.lists(st.tuples(label, label), min_size=1, max_size=10)
    return st.lists(both, min_size=1, max_size=5).map(
        lambda made: tuple([tuple(pair[side] for pair in one) for one in made] for side in (0, 1))
    )


@given(pairs_of(UPOS))
def test_scores_of_any_tags(both):
    check_pos(*both)


@given(pairs_of(BIO_LABELS))
def test_scores_of_any_entities(both):
    check_ner(*both)


@given(st.lists(st.sampled_from(BIO_LABELS), max_size=12))
def test_entities_are_those_of_seqeval(labels):
    wanted = {(one.tag, one.start, one.end - 1) for one in Entities([labels], IOB2).entities[0]}
    assert strict_entities(labels) == wanted


# By hand


def test_entities_worked_out_by_hand():
    assert strict_entities(["B-PER", "I-PER", "O", "B-LOC"]) == {("PER", 0, 1), ("LOC", 3, 3)}
    labels = ["I-PER", "I-PER", "O", "B-LOC", "I-ORG", "I-LOC", "B-LOC"]
    assert strict_entities(labels) == {("LOC", 3, 3), ("LOC", 6, 6)}
    assert strict_entities([]) == set()
    gold, predicted = [["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "O", "O", "B-LOC"]]
    assert NER.counts(gold, predicted).tolist() == [[1, 1, 1]]
    assert NER.scores(gold, predicted) == {
        "f1": 0.5, "precision": 0.5, "recall": 0.5, "xtreme_f1": 0.5, "accuracy": 0.75,
    }  # fmt: skip


def test_xtremes_chunks_worked_out_by_hand():
    tags = ["NOUN", "NOUN", "VERB", "SYM", "SYM", "INTJ", "INTJ", "SCONJ", "CCONJ"]
    assert xtreme_chunks(tags) == {
        ("NOUN", 0, 1), ("VERB", 2, 2), ("SYM", 3, 3), ("SYM", 4, 4), ("INTJ", 5, 6), ("SCONJ", 7, 7), ("CCONJ", 8, 8),
    }  # fmt: skip
    assert xtreme_chunks(["I-PER", "I-PER", "O", "B-LOC"]) == {("PER", 0, 1), ("LOC", 3, 3)}


def test_a_tag_that_is_only_predicted_has_no_f1_of_its_own():
    gold, predicted = [("NOUN", "NOUN", "VERB")], [("NOUN", "X", "VERB")]
    assert macro_f1(gold, predicted) == pytest.approx((2 / 3 + 1) / 2)
    # A tag that is never predicted counts as 0.
    assert macro_f1(gold, [("NOUN", "NOUN", "NOUN")]) == pytest.approx((0.8 + 0) / 2)


def test_nothing_found_nothing_wanted():
    assert NER.scores([("O",)], [("O",)])["f1"] == 0.0
    assert NER.scores([("B-PER",)], [("O",)])["precision"] == 0.0
    assert POS.scores([], []) == {"accuracy": 0.0, "macro_f1": 0.0, "xtreme_f1": 0.0}


# Counts that add up


@pytest.mark.parametrize(("task", "labels"), [(POS, UPOS), (NER, BIO_LABELS)], ids=["pos", "ner"])
def test_counts_add_up_to_the_main_score(task, labels):
    random = generator("counts", task.name)
    gold = [tuple(random.choice(labels, n)) for n in random.integers(1, 30, size=200)]
    predicted = with_mistakes(gold, labels, 0.4, task.name)
    counts = task.counts(gold, predicted)
    assert counts.shape == (200, len(task.count_names))
    for some in (np.arange(200), np.arange(0, 200, 3), random.integers(0, 200, size=200)):
        part, whole = task.part_and_whole(counts)[some].sum(axis=0)
        again = task.scores([gold[i] for i in some], [predicted[i] for i in some])
        assert part / whole == pytest.approx(again[task.main_score], abs=1e-12)
        assert task.part_and_whole(counts[some].sum(axis=0)).tolist() == [part, whole]


@pytest.mark.parametrize("task", [POS, NER], ids=["pos", "ner"])
def test_predictions_of_other_words_are_refused(task):
    label = task.labels[0]
    with pytest.raises(UsageError, match=r"^Labels of 1 sentences were predicted, but there are 2"):
        task.scores([(label,), (label,)], [(label,)])
    with pytest.raises(UsageError, match=r"^Sentence 1, counted from 0, has 2 words, but 1 labels were predicted"):
        task.scores([(label,), (label, label)], [(label,), (label,)])


# Floors


def split(gold, task="pos", language="x-a"):
    return Split(task, language, "test", tuple(Sentence(("w",) * len(one), tuple(one), "f:1") for one in gold), ())


def test_the_majority_is_that_of_the_training_data():
    train = split([("NOUN", "VERB", "NOUN"), ("ADJ", "ADJ")])
    test = split([("VERB", "VERB"), ("ADJ",)])
    assert majority_labels(train, test) == [("ADJ", "ADJ"), ("ADJ",)]  # as often as NOUN, and before it
    assert POS.scores(test.labels, majority_labels(train, test))["accuracy"] == pytest.approx(1 / 3)


def test_the_majority_finds_no_entity():
    folder = shared_data("wikiann")
    train, test = (NER.read(folder, "en", part) for part in ("dev", "test"))
    found = NER.scores(test.labels, majority_labels(train, test))
    assert found["f1"] == 0.0
    assert 0.4 < found["accuracy"] < 0.6


def test_a_task_by_its_name():
    assert get_task("pos") == POS
    assert get_task("ner", keep_blank_words=True).keep_blank_words
    with pytest.raises(UsageError, match=r"^Unknown task 'nre'\. Did you mean ner\? There are pos, ner\.$"):
        get_task("nre")
