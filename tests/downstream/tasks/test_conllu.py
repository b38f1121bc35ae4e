"""Treebanks: what is read of CoNLL-U, where files are found, and what wrong files say."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.downstream.tasks.conllu import UPOS, find_treebanks, read_conllu
from bloodbank.downstream.tasks.data import Sentence
from bloodbank.downstream.tasks.pos_and_ner import PosTask
from bloodbank.errors import UsageError
from shared_data import shared_data

SHARED = ("de", "el", "en", "fi", "fr", "hu", "ja", "ko", "ru", "sv", "tr", "zh")
POS = PosTask()


def row(number, form, upos, more="\t_" * 6):
    return f"{number}\t{form}\tlemma\t{upos}{more}"


# "zum" is two words; 2.1 is a word that the text leaves out; the number has a space that does not break.
TEXT = "\n".join([
    "# newdoc id = a",
    "# text = zum Preis von 10\u00a0000 Euro",
    "1-2\tzum\t_\t_\t_\t_\t_\t_\t_\t_",
    row(1, "zu", "ADP"),
    row(2, "dem", "DET"),
    row("2.1", "genannten", "VERB"),
    row(3, "Preis", "NOUN"),
    row(4, "von", "ADP"),
    row(5, "10\u00a0000", "NUM"),
    row(6, "\u2028", "X").replace("\u2028", "a\u2028b"),  # no end of a line
    "",
    "# sent_id = 2",
    row(1, "#", "SYM"),
    row(2, "_", "NOUN"),
    "",
    "",
])  # fmt: skip
SENTENCES = [
    (("zu", "dem", "Preis", "von", "10\u00a0000", "a\u2028b"), ("ADP", "DET", "NOUN", "ADP", "NUM", "X")),
    (("#", "_"), ("SYM", "NOUN")),
]


def write(path, text=TEXT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def tree(n, tag="NOUN"):
    return "".join(f"{row(1, f'w{i}', tag)}\n\n" for i in range(n))


def complaint(call, *arguments):
    with pytest.raises(UsageError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.rstrip("\n"),
        "\n\n" + TEXT.replace("\n\n", "\n \n\n\n"),
    ],
    ids=["plain", "byte-order mark", "Windows", "no last line end", "more blank lines"],
)
def test_words_and_tags_of_a_file(tmp_path, content):
    found = read_conllu(write(tmp_path / "a.conllu", content))
    assert [(sentence.words, sentence.labels) for sentence in found] == SENTENCES


def test_a_sentence_knows_where_it_stands(tmp_path):
    path = write(tmp_path / "a.conllu")
    assert [sentence.place for sentence in read_conllu(path)] == [f"{path}:1", f"{path}:12"]


words = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r"), min_size=1).filter(lambda w: w.strip())
sentences = st.lists(st.lists(st.tuples(words, st.sampled_from(UPOS)), min_size=1), min_size=1)


@given(sentences)
def test_what_is_written_is_read(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("made") / "a.conllu"
    path.write_text(
        "\n\n".join("\n".join(row(i, *pair) for i, pair in enumerate(pairs, 1)) for pairs in made),
        encoding="utf-8", newline="",
    )  # fmt: skip
    hidden = sum(word == "_" for pairs in made for word, _ in pairs)
    if hidden > sum(map(len, made)) / 2:
        assert "without its text" in complaint(read_conllu, path)
    else:
        assert [list(zip(one.words, one.labels, strict=True)) for one in read_conllu(path)] == made


@pytest.mark.parametrize("language", SHARED)
def test_counts_of_the_shared_treebanks(language):
    """Against a count with a regular expression."""
    folder = shared_data("ud")
    for split, (path,) in find_treebanks(folder, language).items():
        text = path.read_text(encoding="utf-8")
        lines = re.findall(r"^[0-9]+\t([^\t]*)\t[^\t]*\t([^\t]*)\t", text, flags=re.MULTILINE)
        found = POS.read(folder, language, split)
        pairs = [pair for one in found.sentences for pair in zip(one.words, one.labels, strict=True)]
        assert pairs == lines
        assert len(found.sentences) == len(re.findall(r"^1\t", text, flags=re.MULTILINE))
        assert found.n_words == len(lines)


def test_a_known_count():
    assert len(POS.read(shared_data("ud"), "hu", "train").sentences) == 910


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\tHaus\tNOUN", "3 columns, but CoNLL-U has 10, separated by tabs."),
        ("1 Haus lemma NOUN _ _ _ _ _ _", "1 column, but CoNLL-U has 10, separated by tabs."),
        (row(1, "Haus", "NOUN") + "\tmore", "11 columns, but"),
        (row(1, "Haus", "_"), "'_' is no UPOS tag. There are ADJ, ADP, AUX".replace("ADP, ", "ADP, ADV, ")),
        (row(1, "Haus", "noun"), "'noun' is no UPOS tag."),
        (row(1, "Haus", ""), "'' is no UPOS tag."),
        (row(1, "", "NOUN"), "the word is empty."),
        (row(1, " \u3000", "NOUN"), "the word is only white space (' \\u3000')."),
        (row("x", "Haus", "NOUN"), "'x' is no ID of CoNLL-U"),
        (row("", "Haus", "NOUN"), "'' is no ID of CoNLL-U"),
        (row(0, "Haus", "NOUN"), "'0' is no ID of CoNLL-U"),
        (row("9" * 5_000, "Haus", "NOUN"), "'999"),
        (row(2, "Haus", "NOUN"), "word 2, but word 1 was due. Words are numbered from 1 without gaps."),
        (row(1, "a", "NOUN") + "\n" + row(2, "b", "NOUN") + "\n" + row(1, "c", "NOUN"),
         "word 1, but word 3 was due. Put a blank line between sentences."),
        ("1-2\tzum" + "\t_" * 8, "a sentence without words."),
        ("\t" * 9, "'' is no ID of CoNLL-U"),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_named(tmp_path, line, message):
    path = write(tmp_path / "a.conllu", f"{tree(2)}{line}\n\n{tree(1)}")
    number = 5 + line.count("\n")
    assert complaint(read_conllu, path).startswith(f"{path}:{number}: {message}")


@pytest.mark.parametrize(
    ("before", "behind", "n"),
    [
        ("# newdoc id = a\n\n", "", 1),
        ("\n\n# global.columns = ID FORM LEMMA UPOS\n# newdoc\n\n\n# newpar\n\n", "", 2),
        ("", "# end of the file", 1),
        ("#\n \n", "# one\n# two\n\n# three\n", 3),
        ("# text = nothing\r\n\r\n", "", 1),
        ("\ufeff# a comment behind a byte-order mark\n\n", "", 1),
    ],
    ids=["newdoc", "two headings", "at the end", "on both sides", "Windows", "byte-order mark"],
)
def test_blocks_of_comments_are_no_sentences_and_are_counted(tmp_path, before, behind, n):
    path = write(tmp_path / "de" / "test.conllu", f"{before}{TEXT}{behind}")
    assert [(sentence.words, sentence.labels) for sentence in read_conllu(path)] == SENTENCES
    found = POS.read(tmp_path, "de", "test")
    assert found.notes == (f"blocks of comments without a sentence, left out: {n}",)
    assert found.labels == [labels for _, labels in SENTENCES]


def test_blocks_of_comments_are_counted_over_the_files_of_a_split(tmp_path):
    for name in ("gsd", "pud"):
        write(tmp_path / f"de_{name}-ud-test.conllu", f"# newdoc\n\n{tree(1)}")
    assert POS.read(tmp_path, "de", "test").notes[1] == "blocks of comments without a sentence, left out: 2"


def test_files_that_hold_no_treebank(tmp_path):
    path = tmp_path / "a.conllu"
    assert complaint(read_conllu, path) == f"{path}: cannot be read: No such file or directory."
    for nothing in ("\n \n", "# newdoc\n\n# newpar\n"):
        assert complaint(read_conllu, write(path, nothing)).startswith(f"{path}: no sentences.")
    latin = tree(1).encode() + row(1, "schön", "ADJ").encode("latin1")
    assert complaint(read_conllu, write(path, latin)).startswith(f"{path}:3: not UTF-8: byte 0xf6. Convert it")
    assert "iconv -f UTF-16" in complaint(read_conllu, write(path, tree(1).encode("utf-16")))
    hidden = f"{row(1, '_', 'NOUN')}\n{row(2, '_', 'VERB')}\n{row(3, 'a', 'X')}\n"
    assert complaint(read_conllu, write(path, hidden)).startswith(f"{path}: 2 of 3 words are '_': the treebank was")
    path.unlink()
    path.mkdir()
    assert "Is a directory" in complaint(read_conllu, path)


def test_blank_words_can_be_kept(tmp_path):
    write(tmp_path / "de" / "test.conllu", f"{row(1, ' ', 'X')}\n{row(2, 'a', 'X')}\n")
    assert PosTask(keep_blank_words=True).read(tmp_path, "de", "test").sentences[0].words == (" ", "a")


# Where files are


def test_treebanks_by_their_own_names_are_joined_in_order(tmp_path):
    write(tmp_path / "UD_German-PUD" / "de_pud-ud-test.conllu", tree(1, "VERB"))
    write(tmp_path / "UD_German-GSD" / "de_gsd-ud-test.conllu", tree(2))
    write(tmp_path / "UD_German-GSD" / "de_gsd-ud-train.conllu", tree(3))
    for part, n in (("b-10", 4), ("b-2", 5), ("a", 6)):
        write(tmp_path / "deeper" / "UD_German-HDT" / f"de_hdt-ud-train-{part}.conllu", tree(n))
    write(tmp_path / "UD_Low_Saxon-LSDC" / "nds_lsdc-ud-test.conllu", tree(7))
    test, train = POS.read(tmp_path, "de", "test"), POS.read(tmp_path, "de", "train")
    assert test.labels == [("NOUN",)] * 2 + [("VERB",)]
    assert re.findall(r"\w+-ud-[\w-]+", test.notes[0]) == ["de_gsd-ud-test", "de_pud-ud-test"]
    assert len(train.sentences) == 3 + 4 + 5 + 6
    names = ["de_gsd-ud-train", "de_hdt-ud-train-a", "de_hdt-ud-train-b-2", "de_hdt-ud-train-b-10"]
    assert re.findall(r"\w+-ud-[\w-]+", train.notes[0]) == names
    assert POS.languages(tmp_path) == ("de", "nds")


def test_one_treebank_alone_is_a_folder_too(tmp_path):
    write(tmp_path / "de_gsd-ud-test.conllu", tree(2))
    assert len(POS.read(tmp_path, "de", "test").sentences) == 2


def test_two_forms_are_refused(tmp_path):
    write(tmp_path / "de" / "test.conllu", tree(1))
    write(tmp_path / "UD_German-GSD" / "de_gsd-ud-test.conllu", tree(2))
    said = complaint(POS.read, tmp_path, "de", "test")
    assert said.startswith(f"{tmp_path}: treebanks of de in two forms, ")
    write(tmp_path / "fi" / "dev.conllu", tree(1))
    write(tmp_path / "fi" / "val.conllu", tree(1))
    said = complaint(POS.read, tmp_path, "fi", "dev")
    assert said == f"{tmp_path / 'fi' / 'dev.conllu'} and val.conllu beside it are both the dev split. Keep one."


def test_without_train_dev_is_training_data_and_both_say_so(tmp_path):
    write(tmp_path / "de" / "dev.conllu", tree(2))
    write(tmp_path / "de" / "test.conllu", tree(1))
    train, dev = POS.read(tmp_path, "de", "train"), POS.read(tmp_path, "de", "dev")
    assert train.notes == ("train is absent: dev is used for training",)
    assert dev.notes == ("train is absent: these sentences are used for training too",)
    assert (train.split, train.sentences) == ("train", dev.sentences)
    assert POS.read(tmp_path, "de", "test").notes == ()
    write(tmp_path / "de" / "train.conllu", tree(3))
    train, dev = POS.read(tmp_path, "de", "train"), POS.read(tmp_path, "de", "dev")
    assert (len(train.sentences), train.notes, dev.notes) == (3, (), ())


def test_what_is_not_there_is_named(tmp_path):
    write(tmp_path / "de" / "train.conllu", tree(2))
    assert complaint(POS.read, tmp_path, "de", "test") == (
        f"{tmp_path}: de has no test split for pos. There is train. Without it nothing can be scored on the language: "
        "add it, or leave the language out."
    )
    assert complaint(POS.read, tmp_path, "de", "dev") == f"{tmp_path}: de has no dev split for pos. There is train."
    said = complaint(POS.read, tmp_path, "fi", "test")
    assert said.startswith(f"{tmp_path}: no treebank of fi: ")
    assert said.endswith("There are de.")
    assert complaint(POS.read, tmp_path, "German", "test").startswith("unknown language 'German'. Did you mean 'de'")
    assert complaint(POS.read, tmp_path, "de", "tests") == "Unknown split 'tests'. There are train, dev, test."
    missing = tmp_path / "nothing"
    assert complaint(POS.read, missing, "de", "test") == (
        f"{missing}: no such folder. Give the folder that holds a folder for each language. {tmp_path} holds the "
        "folders de."
    )
    file = tmp_path / "de" / "train.conllu"
    assert complaint(POS.read, file, "de", "test").startswith(f"{file}: is a file, not a folder.")
    (tmp_path / "empty").mkdir()
    assert complaint(POS.read, tmp_path / "empty", "de", "test").endswith("It has no treebanks at all.")


def test_a_split_has_the_same_key_wherever_it_lies(tmp_path):
    one = POS.read(write(tmp_path / "a" / "de" / "test.conllu").parents[1], "de", "test")
    other = POS.read(write(tmp_path / "b" / "de" / "test.conllu", "\n" + TEXT).parents[1], "de", "test")
    changed = POS.read(
        write(tmp_path / "c" / "de" / "test.conllu", TEXT.replace("Preis", "Lohn")).parents[1], "de", "test"
    )
    assert one.sentences != other.sentences
    assert one.digest() == other.digest() != changed.digest()
    assert isinstance(one.sentences[0], Sentence)
    assert Path(one.sentences[0].place.rpartition(":")[0]).is_file()
