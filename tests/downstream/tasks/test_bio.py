"""Named entities: the three forms, the rule for I- without B-, and what wrong files say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from bloodbank.downstream.tasks.bio import BIO_LABELS, repair
from bloodbank.downstream.tasks.entities import strict_entities
from bloodbank.downstream.tasks.pos_and_ner import NerTask
from bloodbank.errors import UsageError
from shared_data import shared_data

SHARED = ("de", "en", "es", "nl", "pl", "ru")
NER = NerTask()
ROWS = [
    [("Anton", "B-PER"), ("von", "I-PER"), ("Zuccalmaglio", "I-PER"), (".", "O")],
    [("Rio:Grande", "B-LOC"), ("''", "O")],
]


def numbered(rows, first=0):
    return "".join("".join(f"{i}\t{w}\t{t}\n" for i, (w, t) in enumerate(one, first)) + "\n" for one in rows)


def prefixed(rows, language="de"):
    return "".join("".join(f"{language}:{w}\t{t}\n" for w, t in one) + "\n" for one in rows)


def plain(rows, gap="\t"):
    return "".join("".join(f"{w}{gap}{t}\n" for w, t in one) + "\n" for one in rows)


FORMS = {
    "numbered from 0": numbered(ROWS),
    "numbered from 1": numbered(ROWS, 1),
    "XTREME": prefixed(ROWS),
    "tabs": plain(ROWS),
    "spaces": plain(ROWS, " "),
    "many spaces": plain(ROWS, "   "),
    "Windows": numbered(ROWS).replace("\n", "\r\n"),
    "no last line end": plain(ROWS).rstrip("\n"),
    "more blank lines": "\n\n" + plain(ROWS).replace("\n\n", "\n  \n\n"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "de").mkdir()
    return tmp_path


def write(folder, text, name="de/test.tsv"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def read(folder, split="test", language="de", task=NER):
    return task.read(folder, language, split)


def complaint(folder, split="test", language="de"):
    with pytest.raises(UsageError) as caught:
        read(folder, split, language)
    return str(caught.value)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(folder, form):
    write(folder, FORMS[form])
    found = read(folder)
    assert [list(zip(one.words, one.labels, strict=True)) for one in found.sentences] == ROWS
    assert found.notes == ()


@pytest.mark.parametrize(
    "name", ["de/dev.conllu", "de/val.conllu", "de/validation.txt", "de/dev", "dev-de.tsv", "val-de"]
)
def test_files_have_many_names(tmp_path, name):
    write(tmp_path, numbered(ROWS), name)
    write(tmp_path, numbered(ROWS), "dev-nds.tsv")
    write(tmp_path, "Read me.", "de/README.txt")
    assert len(read(tmp_path, "dev").sentences) == 2
    assert NER.languages(tmp_path) == ("de", "nds")


@pytest.mark.parametrize("language", SHARED)
def test_counts_of_the_shared_files(language):
    folder = shared_data("wikiann")
    for split, name in (("train", "train"), ("dev", "val"), ("test", "test")):
        text = (folder / language / f"{name}.conllu").read_text(encoding="utf-8")
        lines = re.findall(r"^[0-9]+\t(.*)\t(.*)$", text, flags=re.MULTILINE)
        found = read(folder, split, language)
        assert [pair for one in found.sentences for pair in zip(one.words, one.labels, strict=True)] == lines
        assert len(found.sentences) == len(re.findall(r"^0\t", text, flags=re.MULTILINE))
        assert found.notes == ()  # none of these files has an entity that begins with I-


# I- without B-


@pytest.mark.parametrize(
    ("labels", "mended", "n"),
    [
        ("I-PER I-PER O I-LOC", "B-PER I-PER O B-LOC", 2),
        ("B-PER I-LOC I-LOC", "B-PER B-LOC I-LOC", 1),
        ("I-PER I-LOC", "B-PER B-LOC", 2),
        ("B-PER I-PER B-PER O", "B-PER I-PER B-PER O", 0),
        ("O O", "O O", 0),
    ],
)
def test_an_entity_that_begins_with_i(labels, mended, n):
    assert repair(labels.split()) == (tuple(mended.split()), n)


@given(st.lists(st.sampled_from(BIO_LABELS)))
def test_mended_entities_are_those_that_conlleval_sees(labels):
    """seqeval without a scheme counts as conlleval does."""
    mended, n = repair(labels)
    wanted = set(get_entities(labels))
    assert strict_entities(mended) == wanted == set(get_entities(list(mended)))
    assert n == len(wanted) - len([label for label in labels if label.startswith("B-")])
    assert repair(mended) == (mended, 0)


def test_what_was_mended_is_told(folder):
    write(folder, plain([[("a", "I-PER"), ("b", "I-LOC")], [("c", "O")], [("d", "O"), ("e", "I-ORG")]]))
    found = read(folder)
    assert found.labels == [("B-PER", "B-LOC"), ("O",), ("O", "B-ORG")]
    assert found.notes == ("entities that began with I- and are read with B-: 3; sentences with such: 2",)


# What is wrong


@pytest.mark.parametrize(
    ("form", "line", "message"),
    [
        (numbered, "2\ta", "2 columns, but the file has 3: number, word and label."),
        (numbered, "2\ta\tO\tO", "4 columns, but the file has 3"),
        (numbered, "3\ta\tO", "number '3' before word 2 of its sentence. Words are numbered from 0 or 1 without gaps"),
        (numbered, "x\ta\tO", "number 'x' before word 2 of its sentence."),
        (numbered, "0\ta\tO", "number '0' before word 2 of its sentence. Words are numbered from 0 or 1 without gaps; "
         "put a blank line between sentences."),
        (numbered, "1\t\tO", "the word is empty. Mend the line; or read the task with keep_blank_words=True"),
        (numbered, "1\t\u00a0 \tO", "the word is only white space ('\\xa0 ')."),
        (numbered, "1\ta\tB-MISC", "'B-MISC' is no label of WikiANN. There are O, B-LOC, I-LOC, B-ORG, I-ORG, B-PER"),
        (numbered, "1\ta\t", "'' is no label of WikiANN."),
        (numbered, "1\ta\tb-per", "'b-per' is no label of WikiANN."),
        (prefixed, "en:a\tO", "'en:a' does not begin with 'de:', as the words before it do."),
        (prefixed, "de:\tO", "the word is empty."),
        (prefixed, "de:a", "1 column, but the file has 2: de:word and label."),
        (plain, "a", "1 column, but the file has 2: word and label."),
        (plain, "a NNP B-NP O", "4 columns, but the file has 2"),
        (plain, "a\tb\tO", "3 columns, but the file has 2"),
        (plain, "\tO", "the word is empty."),
        (plain, "\t", "the word is empty."),
        (plain, "# a comment", "3 columns, but the file has 2"),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_named(folder, form, line, message):
    path = write(folder, form([[("x", "O")]]) + form([[("y", "O")]]).rstrip("\n") + f"\n{line}\n")
    assert complaint(folder).startswith(f"{path}:4: {message}")


def test_xtremes_form_of_another_language_is_no_text(folder):
    path = write(folder, prefixed(ROWS, "nds"))
    assert complaint(folder).startswith(f"{path}:1: every word begins with 'nds:', which is XTREME's form for another")
    write(folder, plain([[("re:", "O")], [("nds:a", "O"), ("b", "O")]]))
    assert len(read(folder).sentences) == 2


def test_blank_words_can_be_kept(folder):
    write(folder, "de:a\tO\nde:\tO\nde: \tB-PER\n")
    found = read(folder, task=NerTask(keep_blank_words=True))
    assert found.sentences[0].words == ("a", "", " ")


def test_what_is_not_there_is_named(folder):
    path = write(folder, " \n")
    assert complaint(folder).startswith(f"{path}: no sentences.")
    write(folder, plain(ROWS), "de/test.txt")
    assert (
        complaint(folder) == f"{folder / 'de' / 'test.tsv'} and test.txt beside it are both the test split. Keep one."
    )
    path.unlink()
    assert complaint(folder, "train") == f"{folder}: de has no train split for ner. There is test."
    assert complaint(folder, language="fi").endswith("There are de.")
    (folder / "de" / "test.txt").unlink()
    assert complaint(folder).endswith("It has no such files at all.")
