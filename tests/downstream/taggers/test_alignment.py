"""Words to pieces and classes back to words: every word has one label out, whatever its script, length or pieces."""

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from bloodbank.downstream.taggers.alignment import encode, to_labels
from bloodbank.downstream.tasks.conllu import UPOS
from bloodbank.downstream.tasks.data import Sentence
from bloodbank.downstream.tasks.pos_and_ner import NerTask, PosTask
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import TokenizerSettings
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary, load_tokenizer, train_tokenizer
from shared_data import shared_data

LANGUAGES = ("de", "el", "en", "fi", "fr", "hu", "ja", "ko", "ru", "sv", "tr", "zh")
POS = PosTask()

# A tokenizer that a reader can follow: [UNK] where a word has a piece that is not here.
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##happi", "##ness", "is", ".", "a", "##a", "b"]
SMALL = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(PIECES)}, unk_token="[UNK]"))
SMALL.normalizer = normalizers.NFC()
SMALL.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
V = Vocabulary(len(PIECES), pad=0, unk=1, cls=2, sep=3, mask=4)


def sentence(words, labels=None, place="made.conllu:1"):
    words = words.split() if isinstance(words, str) else words
    return Sentence(tuple(words), tuple(labels or generator(*words).choice(UPOS, len(words)).tolist()), place)


def pieces_of_words(rows, number):
    """The pieces of each word of a sentence, read off the rows."""
    found = []
    for row in np.flatnonzero(rows.sentence == number):
        inner = rows.ids[row, : rows.lengths[row] - 1].tolist()
        firsts = [*np.flatnonzero(rows.word[row] >= 0).tolist(), len(inner)]
        assert firsts[0] == 1
        found += [inner[begin:end] for begin, end in pairwise(firsts)]
    return found


def check_frames(rows, vocabulary, length):
    """[CLS], then pieces, then [SEP], then padding; nothing else has a class or a word."""
    assert rows.ids.dtype == rows.gold.dtype == rows.word.dtype == rows.lengths.dtype == rows.sentence.dtype == np.int32
    assert rows.ids.shape == rows.gold.shape == rows.word.shape == (len(rows.lengths), rows.lengths.max())
    assert rows.lengths.max() <= length
    place = np.arange(rows.ids.shape[1])
    assert (rows.ids[:, 0] == vocabulary.cls).all()
    assert (rows.ids[place == rows.lengths[:, None] - 1] == vocabulary.sep).all()
    assert (rows.ids[place >= rows.lengths[:, None]] == vocabulary.pad).all()
    text = (place > 0) & (place < rows.lengths[:, None] - 1)
    assert not np.isin(rows.ids[text], (vocabulary.cls, vocabulary.sep, vocabulary.pad)).any()
    assert ((rows.gold >= 0) == (rows.word >= 0)).all()
    assert (rows.gold[rows.word < 0] == -100).all()
    assert not (rows.word >= 0)[~text].any()


def test_a_row_worked_out_by_hand():
    made = [sentence("unhappiness is .", ("NOUN", "AUX", "PUNCT")), sentence("a", ("DET",))]
    rows = encode(made, UPOS, SMALL, V)
    assert rows.ids.tolist() == [[2, 5, 6, 7, 8, 9, 3], [2, 10, 3, 0, 0, 0, 0]]
    assert rows.lengths.tolist() == [7, 3]
    # In the order of UPOS, NOUN is 7, AUX 3, PUNCT 12, DET 5.
    assert rows.gold.tolist() == [[-100, 7, -100, -100, 3, 12, -100], [-100, 5, *[-100] * 5]]
    assert rows.word.tolist() == [[-1, 0, -1, -1, 1, 2, -1], [-1, 0, *[-1] * 5]]
    assert rows.sentence.tolist() == [0, 1]
    wrong = np.full_like(rows.gold, 99)  # what is said of other pieces does not matter
    wrong[rows.word >= 0] = [16, 15, 14, 0]
    assert to_labels(rows, wrong, UPOS) == [("X", "VERB", "SYM"), ("ADJ",)]


def test_a_long_sentence_goes_on_in_the_next_row():
    rows = encode([sentence("a"), sentence("a is unhappiness . a")], UPOS, SMALL, V, length=5)
    text = [row[1 : n - 1] for row, n in zip(rows.ids.tolist(), rows.lengths.tolist(), strict=True)]
    assert text == [[10], [10, 8], [5, 6, 7], [9, 10]]  # the word of three pieces is not torn
    assert rows.sentence.tolist() == [0, 1, 1, 1]
    assert rows.word[rows.word >= 0].tolist() == [0, 0, 1, 2, 3, 4]


def test_a_word_longer_than_a_row_has_a_row_with_the_pieces_that_fit():
    made = [sentence(["b", "a" * 9, "b", "b"])]
    rows = encode(made, UPOS, SMALL, V, length=5)
    text = [row[1 : n - 1] for row, n in zip(rows.ids.tolist(), rows.lengths.tolist(), strict=True)]
    assert text == [[12], [10, 11, 11], [12, 12]]
    assert to_labels(rows, rows.gold, UPOS) == [made[0].labels]


@pytest.mark.parametrize("word", [" ", "\u00a0", "\u3000", "\u2028", ""])
def test_a_word_without_a_piece_is_unknown(word):
    made = [sentence([word]), sentence(["a", word, "b", word])]
    rows = encode(made, UPOS, SMALL, V)
    assert rows.ids.tolist() == [[2, 1, 3, 0, 0, 0], [2, 10, 1, 12, 1, 3]]
    assert to_labels(rows, rows.gold, UPOS) == [one.labels for one in made]


MARKS = "\u200e\u200f\u00ad\u2060\ufeff\u061c\u202a\u202e\u2066\u2069\u3164\ufff9\U000e0001\u200b"  # that show nothing
NO_TEXT = "\ue000\uf8ff\U000f0000\U0010fffd\ufffd\ufffe\x07\x9f"  # private use, no characters, controls


@pytest.mark.parametrize("odd", [*MARKS, *NO_TEXT], ids=lambda odd: f"U+{ord(odd):04X}")
def test_words_are_cleaned_as_the_text_of_pretraining_is(odd):
    made = [sentence([f"{odd}unhappiness", f"un{odd}happiness", "is", f"unhappiness{odd}{odd}", f"a{odd}", odd])]
    rows = encode(made, UPOS, SMALL, V)
    whole, parts = [5, 6, 7], [5, V.unk]  # a space is put where a character is no text, as in pretraining
    pieces = pieces_of_words(rows, 0)
    assert pieces == [whole, whole if odd in MARKS else parts, [8], whole, [10], [V.unk]]
    assert to_labels(rows, rows.gold, UPOS) == [made[0].labels]


def test_joiners_stay_because_they_spell_words():
    joined = Tokenizer(models.WordPiece({"[UNK]": 0, "a\u200db": 1, "a\u200cb": 2, "ab": 3}, unk_token="[UNK]"))
    rows = encode([sentence(["a\u200db", "a\u200cb", "ab"])], UPOS, joined, Vocabulary(4, 0, 0, 0, 0, 0))
    assert rows.ids[0, 1:4].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("task", "name", "line"),
    [(POS, "test.conllu", "{n}\t{word}\t_\tNOUN" + "\t_" * 6), (NerTask(), "test.tsv", "{word}\tB-LOC")],
    ids=["CoNLL-U", "named entities"],
)
def test_words_of_files_are_cleaned(tmp_path, task, name, line):
    words = ["un\u00adhappi\u00adness", "\u200eis\u200e", "a\u2060"]
    text = "\n".join(line.format(n=n, word=word) for n, word in enumerate(words, 1))
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / name).write_text(text, encoding="utf-8")
    rows = encode(task.read(tmp_path, "de", "test").sentences, task.labels, SMALL, V)
    assert rows.ids.tolist() == [[V.cls, 5, 6, 7, 8, 10, V.sep]]


def test_a_sentence_of_5_000_words():
    made = [sentence(["unhappiness", "is", "a"] * 1_667), sentence("b")]
    rows = encode(made, UPOS, SMALL, V)
    check_frames(rows, V, 128)
    assert to_labels(rows, rows.gold, UPOS) == [one.labels for one in made]
    # Five pieces every three words, 126 in a row.
    assert len(rows.ids) == -(-1_667 * 5 // 126) + 1 or len(rows.ids) == -(-1_667 * 5 // 125) + 1


words = st.one_of(
    st.text(alphabet="ab.", min_size=1, max_size=12),
    st.sampled_from(["unhappiness", "is", " ", "\u200b", "ñ", "e\u0301", "[MASK]", "[SEP]", "中文"]),
)


@given(st.lists(st.lists(words, min_size=1, max_size=12), min_size=1, max_size=4), st.integers(3, 12))
def test_no_word_is_lost_and_rows_are_full(made, length):
    made = [sentence(one) for one in made]
    rows = encode(made, UPOS, SMALL, V, length)
    check_frames(rows, V, length)
    assert to_labels(rows, rows.gold, UPOS) == [one.labels for one in made]
    for number, one in enumerate(made):
        whole = [SMALL.encode(word).ids or [V.unk] for word in one.words]
        assert pieces_of_words(rows, number) == [pieces[: length - 2] for pieces in whole]
        for before, after in pairwise(np.flatnonzero(rows.sentence == number)):
            first = whole[rows.word[after, 1]][: length - 2]
            assert rows.lengths[before] + len(first) > length  # it did not fit any more


# Every script of the shared treebanks


@pytest.fixture(scope="module")
def treebanks():
    folder = shared_data("ud")
    return {language: POS.read(folder, language, "test").sentences for language in LANGUAGES}


@pytest.fixture(scope="module", params=["nfc", "bert"])
def loaded(request, treebanks, tmp_path_factory):
    """The bank's tokenizer, and the paper's, which takes characters away; half of the words are new to both."""
    folder = tmp_path_factory.mktemp("tokenizer")
    texts = [" ".join(one.words) for made in treebanks.values() for one in made[::2]]
    chosen = TokenizerSettings(vocab_size=6_000, normalization=request.param)
    train_tokenizer(lambda: texts, chosen, folder)
    return load_tokenizer(folder)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("length", [128, 24])
def test_words_in_and_labels_out_of_a_treebank(loaded, treebanks, language, length):
    """Against the library's own alignment of whole sentences."""
    tokenizer, vocabulary = loaded
    made = treebanks[language]
    rows = encode(made, UPOS, tokenizer, vocabulary, length)
    check_frames(rows, vocabulary, length)
    assert to_labels(rows, rows.gold, UPOS) == [one.labels for one in made]
    predicted = generator("classes", language).integers(0, 17, rows.ids.shape)
    found = to_labels(rows, predicted, UPOS)
    assert [len(labels) for labels in found] == [len(one.words) for one in made]
    for number in range(0, len(made), 7):
        whole = tokenizer.encode(list(made[number].words), is_pretokenized=True, add_special_tokens=False)
        wanted = [[] for _ in made[number].words]
        for piece, word in zip(whole.ids, whole.word_ids, strict=True):
            wanted[word].append(piece)
        assert pieces_of_words(rows, number) == [(one or [vocabulary.unk])[: length - 2] for one in wanted]


HOSTILE = ["\u0301", "\u200d", "\u200b", "\ufeff", "\x07", "\u00ad", "\u0e31", "\u064e", "\ufffd", "\u093f", "\u302a"]


def test_words_that_the_normaliser_takes_away(loaded):
    tokenizer, vocabulary = loaded
    made = [sentence(["Haus", *HOSTILE, "Maus"]), sentence(HOSTILE[:1])]
    rows = encode(made, UPOS, tokenizer, vocabulary)
    assert to_labels(rows, rows.gold, UPOS) == [one.labels for one in made]
    n_gone = sum(not tokenizer.encode(word, add_special_tokens=False).ids for word in HOSTILE)
    assert n_gone > 3 or isinstance(tokenizer.normalizer, normalizers.NFC)
    assert sum(pieces == [vocabulary.unk] for pieces in pieces_of_words(rows, 0)) >= n_gone


@pytest.mark.parametrize("language", ["ko", "ru", "el"])
def test_decomposed_words_are_the_same_words(loaded, treebanks, language):
    made = treebanks[language][:50]
    decomposed = [
        Sentence(tuple(unicodedata.normalize("NFD", word) for word in one.words), one.labels, one.place) for one in made
    ]
    one, other = (encode(each, UPOS, *loaded) for each in (made, decomposed))
    assert one.ids.tolist() == other.ids.tolist()


# What is wrong


@pytest.mark.parametrize(
    ("made", "length", "message"),
    [
        ([], 128, "There are no sentences to encode."),
        ([Sentence((), (), "f:3")], 128, "f:3: 0 words and 0 labels."),
        ([Sentence(("a",), ("X", "X"), "f:3")], 128, "f:3: 1 words and 2 labels."),
        ([Sentence(("a",), ("B-PER",), "f:3")], 128, "f:3: 'B-PER' is no label of the task. There are ADJ, "),
        ([Sentence(("a",), ("X",), "f:3")], 2, "length = 2: a row holds [CLS], [SEP] and pieces between them."),
    ],
)
def test_what_cannot_be_encoded(made, length, message):
    with pytest.raises(UsageError, match="^" + message.replace("[", r"\[").replace(".", r"\.")):
        encode(made, UPOS, SMALL, V, length)


def test_classes_that_are_not_those_of_the_rows():
    rows = encode([sentence("a b")], UPOS, SMALL, V)
    with pytest.raises(UsageError, match=r"^Classes have the shape \[1, 3\], but the rows \[1, 4\]"):
        to_labels(rows, rows.gold[:, :3], UPOS)
    for wrong in (17, -100):
        classes = np.where(rows.word == 1, wrong, 0)
        with pytest.raises(UsageError, match=f"^Class {wrong} at a first piece, but the task has the classes 0 to 16"):
            to_labels(rows, classes, UPOS)
