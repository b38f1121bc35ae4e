"""The shared WordPiece: the same everywhere, and nothing is lost but spaces."""

import dataclasses
import json
import os
import subprocess
import sys
import unicodedata
from itertools import chain

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from bloodbank.errors import UsageError
from bloodbank.experiment.settings import TokenizerSettings
from bloodbank.languages import PAPER_LANGUAGES
from bloodbank.tokenizer import (
    SPECIAL,
    copy_tokenizer,
    encode_text,
    load_tokenizer,
    tokenizer_digest,
    train_tokenizer,
    write_ids,
)

# One paragraph a language, written for this test.
PARAGRAPHS = {
    "ja": "毎朝、駅まで二十分ほど歩きます。きのうはパンとガムを買って、ギターを弾きました。",
    "ko": "오늘 아침에는 비가 왔지만, 오후에 친구와 함께 한강 공원을 걸었다. 값이 싼 빵도 샀다!",
    "ta": "இன்று காலை மழை பெய்தது; ஆனாலும் நாங்கள் பூங்காவில் நடந்தோம். தேநீர் மிகவும் சூடாக இருந்தது.",
    "te": "ఈ రోజు ఉదయం వర్షం పడింది, అయినా మేము తోటలో నడిచాము. క్షణంలో ఎండ వచ్చింది.",
    "hu": "Ma reggel esett az eső, de délután a barátaimmal sétáltunk a Duna-parton. Tűzijáték is volt, őszintén!",
    "fi": "Tänään aamulla satoi, mutta iltapäivällä kävelimme ystäväni kanssa järven rannalla. Yö oli pitkä.",
    "zh": "今天早上下雨了,但是下午我和朋友去公园散步。一杯热茶只要三块钱!",
    "my": "ဒီနေ့မနက် မိုးရွာပေမဲ့ နေ့လယ်မှာ သူငယ်ချင်းနဲ့ ပန်းခြံထဲ လမ်းလျှောက်ခဲ့တယ်။ လက်ဖက်ရည်က ပူတယ်။",
    "ar": "نزل المطر هذا الصباح، لكنّنا مشينا في الحديقة بعد الظهر. هل كانَ الشاي ساخنًا؟",
    "he": "הבוקר ירד גשם, אבל אחר הצהריים טיילנו בפארק. שָׁלוֹם לכולם, אמרה סבתא.",
    "cy": "Bu hi'n bwrw glaw y bore 'ma, ond cerddon ni yn y parc gyda'n ffrindiau. Mae'r tŷ a'r dŵr yn oer.",
    "ga": "Bhí sé ag cur báistí ar maidin, ach shiúlamar sa pháirc tráthnóna. Tá an tae te agus tá fáilte romhat.",
    "hi": "आज सुबह बारिश हुई, लेकिन दोपहर में हम दोस्तों के साथ बग़ीचे में घूमे। ज़रा चाय पीजिए।",
    "ne": "आज बिहान पानी पर्‍यो, तर दिउँसो हामी साथीहरूसँग बगैंचामा हिँड्यौँ। चिया तातो थियो।",
    "en": "It rained this morning, but in the afternoon we walked in the park. Don't you like naïve cafés?",
    "de": "Heute früh hat es geregnet, doch am Nachmittag gingen wir über die große Wiese. Schöne Grüße, Jürgen!",
    "hy": "Այսօր առավոտյան անձրև եկավ, բայց կեսօրից հետո մենք զբոսնեցինք այգում։ Ինչպե՞ս ես։",
    "el": "Σήμερα το πρωί έβρεχε, αλλά το απόγευμα περπατήσαμε στο πάρκο. Πού είναι το τσάι; Προϋπόθεση.",
    "fr": "Ce matin il a plu, mais l'après-midi nous nous sommes promenés où l'été finit. Ça va, garçon ? Noël !",
    "pms": "Stamatin a l'ha piovù, ma dòp mesdì i soma andàit a spass ant ël giardin. La bela fiòca a fa frèid.",
    "ru": "Сегодня утром шёл дождь, но днём мы гуляли в парке с друзьями. Чай ещё горячий, ёлки!",
    "sv": "I morse regnade det, men på eftermiddagen gick vi i parken med våra vänner. Är kaffet för varmt, Åke?",
}
THAI = "เมื่อเช้านี้ฝนตกแต่ตอนบ่ายเราเดินเล่นในสวนสาธารณะกับเพื่อนน้ำชาร้อนมาก"
SETTINGS = TokenizerSettings(vocab_size=4_000)


def train(folder, texts, **more):
    folder.mkdir(exist_ok=True)
    train_tokenizer(lambda: chain.from_iterable(texts), SETTINGS.model_copy(update=more), folder)
    return load_tokenizer(folder)


def without_spaces(text):
    return "".join(unicodedata.normalize("NFC", text).split())


@pytest.fixture(scope="module")
def texts():
    return [[paragraph] * 4 for paragraph in [*PARAGRAPHS.values(), THAI]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(lambda: chain.from_iterable(texts), SETTINGS, path)
    return path


@pytest.fixture(scope="module")
def loaded(folder):
    return load_tokenizer(folder)


def test_there_is_a_paragraph_of_each_of_the_papers_languages():
    assert set(PARAGRAPHS) == set(PAPER_LANGUAGES)
    assert len({*PARAGRAPHS.values()}) == 22


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_nothing_is_lost_but_spaces(loaded, language):
    tokenizer, vocabulary = loaded
    encoded = tokenizer.encode(PARAGRAPHS[language], add_special_tokens=False)
    assert vocabulary.unk not in encoded.ids
    assert without_spaces(tokenizer.decode(encoded.ids)) == without_spaces(PARAGRAPHS[language])


@pytest.mark.parametrize("language", ["ko", "ja", "hi", "el", "my"])
def test_decomposed_text_is_the_same_text(loaded, language):
    tokenizer, _ = loaded
    composed, decomposed = (unicodedata.normalize(form, PARAGRAPHS[language]) for form in ("NFC", "NFD"))
    assert tokenizer.encode(decomposed).ids == tokenizer.encode(composed).ids


@pytest.mark.parametrize("language", ["th", "my"])
def test_a_long_run_without_spaces_is_not_unknown(loaded, language):
    tokenizer, vocabulary = loaded
    word = {"th": THAI, "my": "လမ်းလျှောက်ခဲ့တယ်"}[language]
    run = (word * 20)[:300]
    assert len(run) == 300
    encoded = tokenizer.encode(run, add_special_tokens=False)
    assert vocabulary.unk not in encoded.ids
    assert without_spaces(tokenizer.decode(encoded.ids)) == without_spaces(run)


@pytest.mark.parametrize("language", ["my", "ja", "th"])
def test_thirty_sentences_without_a_space_are_pieces_and_nothing_is_lost(loaded, language):
    tokenizer, vocabulary = loaded
    text = without_spaces(30 * (THAI if language == "th" else PARAGRAPHS[language]))
    encoded = tokenizer.encode(text, add_special_tokens=False)
    assert vocabulary.unk not in encoded.ids
    assert without_spaces(tokenizer.decode(encoded.ids)) == text
    assert sum(end - begin for begin, end in encoded.offsets) == len(text)


def test_words_keep_their_capitals_and_han_characters_stand_alone(loaded):
    tokenizer, _ = loaded
    assert tokenizer.decode(tokenizer.encode("Åke Noël", add_special_tokens=False).ids) == "Åke Noël"
    assert tokenizer.encode("今天下雨", add_special_tokens=False).tokens == ["今", "天", "下", "雨"]


def test_words_stand_apart_as_they_did(loaded):
    tokenizer, _ = loaded
    text = "do we do not like tea"  # the library's own cleaning makes "don't" of it
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids) == text


def test_characters_that_were_never_seen_are_unknown(loaded):
    tokenizer, vocabulary = loaded
    assert tokenizer.encode("ᚠᚢᚦ park", add_special_tokens=False).ids.count(vocabulary.unk) == 1


def test_special_pieces_come_first_and_frame_a_sentence(folder, loaded):
    tokenizer, vocabulary = loaded
    pieces = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    assert [pieces[piece] for piece in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [0, 1, 2, 3, 4]
    assert (vocabulary.pad, vocabulary.unk, vocabulary.cls, vocabulary.sep, vocabulary.mask) == (0, 1, 2, 3, 4)
    assert vocabulary.special == (0, 1, 2, 3, 4)
    assert vocabulary.size == len(pieces) <= 4_000
    assert vocabulary.ordinary.tolist() == list(range(5, len(pieces)))
    ids = tokenizer.encode("park").ids
    assert (ids[0], ids[-1]) == (vocabulary.cls, vocabulary.sep)
    assert tokenizer.decode([2, *ids[1:-1], 3, 0]) == "park"


# The same everywhere.

TRAIN = """
import json, sys
from pathlib import Path
from bloodbank.experiment.settings import TokenizerSettings
from bloodbank.tokenizer import train_tokenizer

paragraphs = [paragraph for text in json.load(sys.stdin) for paragraph in text]
train_tokenizer(lambda: paragraphs, TokenizerSettings(vocab_size=4_000), Path(sys.argv[1]))
"""


def test_the_same_text_gives_the_same_vocabulary_in_every_process(folder, texts, tmp_path):
    # The paragraphs stand four times each, so nearly all merges are ties: the hardest case.
    found = {(folder / "tokenizer.json").read_bytes()}
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "RAYON_NUM_THREADS": hash_seed}
        target = tmp_path / hash_seed
        target.mkdir()
        subprocess.run(
            [sys.executable, "-c", TRAIN, target], input=json.dumps(texts), env=environment, text=True, check=True
        )
        found.add((target / "tokenizer.json").read_bytes())
    assert len(found) == 1


def test_other_text_gives_another_vocabulary(folder, texts, tmp_path):
    train(tmp_path, texts[1:])
    assert (tmp_path / "tokenizer.json").read_bytes() != (folder / "tokenizer.json").read_bytes()


# Settings.


def test_the_papers_normalization_strips_case_and_accents(texts, tmp_path):
    tokenizer, _ = train(tmp_path, texts, normalization="bert")
    assert tokenizer.decode(tokenizer.encode("Åke Noël TŰZIJÁTÉK").ids) == "ake noel tuzijatek"
    hindi = tokenizer.decode(tokenizer.encode(PARAGRAPHS["hi"]).ids)
    assert without_spaces(hindi) != without_spaces(PARAGRAPHS["hi"])  # the vowel signs are gone
    assert "ि" in PARAGRAPHS["hi"]
    assert not [letter for letter in hindi if unicodedata.category(letter) == "Mn"]


def test_a_vocabulary_that_cannot_hold_the_alphabet_is_refused(tmp_path):
    # Room for int(8 × 0.99) = 7 pieces of the alphabet: three characters, each also inside words; and 5 special ones.
    with pytest.raises(UsageError) as caught:
        train(tmp_path, [["aaa bbb ccc ddd"]], vocab_size=8, alphabet_share=0.99)
    assert str(caught.value) == (
        "tokenizer.vocab_size = 8 is too small: the special pieces and the alphabet alone take 11. "
        "Raise it, or lower tokenizer.alphabet_share."
    )
    assert list(tmp_path.iterdir()) == []


def test_only_the_most_frequent_characters_get_a_piece_where_room_is_short(tmp_path):
    # Room for int(16 × 0.5) = 8 pieces: a, b, c and x take two each (a, ##a).
    tokenizer, vocabulary = train(tmp_path, [["aaaa bbb bbb cc x y z"]], vocab_size=16)
    known = [
        letter for letter in "abcxyz" if tokenizer.encode(letter, add_special_tokens=False).ids != [vocabulary.unk]
    ]
    assert known == ["a", "b", "c", "x"]
    assert vocabulary.size <= 16


def test_rare_pieces_are_not_kept(tmp_path):
    texts = [["overwhelming overwhelming overwhelming underwhelming"]]
    often, seldom = (train(tmp_path / str(n), texts, vocab_size=1_000, min_frequency=n)[0].get_vocab() for n in (3, 1))
    assert "overwhelming" in often
    assert "underwhelming" not in often
    assert "underwhelming" in seldom


# Other people's tools, other people's tokenizers.


def test_transformers_gives_the_same_pieces(folder, loaded, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from transformers import AutoTokenizer

    tokenizer, vocabulary = loaded
    theirs = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for paragraph in PARAGRAPHS.values():
        ids = tokenizer.encode(paragraph).ids
        assert theirs(paragraph)["input_ids"] == ids
        assert theirs.decode(ids, skip_special_tokens=True) == tokenizer.decode(ids)
    roles = {role: getattr(theirs, f"{role}_token_id") for role in SPECIAL}
    assert roles == {role: getattr(vocabulary, role) for role in SPECIAL}
    assert len(theirs) == vocabulary.size
    batch = theirs(["park", "park park"], padding=True)
    assert batch["attention_mask"] == [[1, 1, 1, 0], [1, 1, 1, 1]]


def test_a_finished_tokenizer_can_be_used_again(folder, loaded, tmp_path):
    copy_tokenizer(folder, tmp_path)
    tokenizer, vocabulary = load_tokenizer(tmp_path)
    assert vocabulary == loaded[1]
    assert tokenizer.get_vocab() == loaded[0].get_vocab()
    assert tokenizer_digest(tmp_path) == tokenizer_digest(folder)
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert tokenizer_digest(tmp_path) != tokenizer_digest(folder)


ROBERTA = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}


@pytest.fixture
def foreign(tmp_path):
    """A tokenizer as XLM-R has it: Unigram, other names, padded and truncated by default."""

    def build(**pieces):
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=120, special_tokens=list(pieces.values()), unk_token=pieces["unk"], show_progress=False
        )
        tokenizer.train_from_iterator([PARAGRAPHS[code] for code in ("en", "de", "sv")] * 5, trainer)
        first, last = pieces.get("bos", pieces.get("cls")), pieces.get("eos", pieces.get("sep"))
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", special_tokens=[(p, tokenizer.token_to_id(p)) for p in (first, last)]
        )
        tokenizer.enable_truncation(4)
        tokenizer.enable_padding(length=8)
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        names = {f"{role}_token": piece for role, piece in pieces.items()}
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(names))
        return tmp_path

    return build


def test_special_pieces_may_have_other_names(foreign):
    tokenizer, vocabulary = load_tokenizer(foreign(**ROBERTA))
    assert (vocabulary.cls, vocabulary.pad, vocabulary.sep, vocabulary.unk, vocabulary.mask) == (0, 1, 2, 3, 4)
    assert vocabulary.size == tokenizer.get_vocab_size()
    encoded = tokenizer.encode("the park and the tea", add_special_tokens=False)
    assert len(encoded.ids) > 8  # not cut
    assert vocabulary.pad not in tokenizer.encode("a", add_special_tokens=False).ids
    assert vocabulary.ordinary.tolist() == list(range(5, vocabulary.size))


def test_names_may_stand_in_the_map_of_special_tokens(foreign):
    folder = foreign(**ROBERTA)
    names = json.loads((folder / "tokenizer_config.json").read_text())
    described = {key: {"content": piece, "lstrip": True, "special": True} for key, piece in names.items()}
    (folder / "special_tokens_map.json").write_text(json.dumps(described))
    (folder / "tokenizer_config.json").write_text("{}")
    assert load_tokenizer(folder)[1].special == (1, 3, 0, 2, 4)


def test_a_piece_added_behind_the_vocabulary_counts(foreign):
    folder = foreign(**ROBERTA)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens(["<extra>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    assert load_tokenizer(folder)[1].size == tokenizer.token_to_id("<extra>") + 1


def test_a_tokenizer_without_a_mask_piece_is_refused(foreign):
    folder = foreign(**{role: piece for role, piece in ROBERTA.items() if role != "mask"})
    with pytest.raises(UsageError) as caught:
        load_tokenizer(folder)
    assert str(caught.value) == (
        f"{folder}: the tokenizer has no mask piece ([MASK]). Masked language modelling needs "
        "pad, unk, cls, sep and mask pieces."
    )
    assert caught.value.exit_code == 2


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no tokenizer\.json there\. Give the folder of a fast tokenizer"):
        tokenizer_digest(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(UsageError, match=r"tokenizer\.json: not a tokenizer: "):
        load_tokenizer(tmp_path)


# Ids on disk.


def arrays(stem):
    return [np.load(stem.with_name(f"{stem.name}.{name}.npy")) for name in ("ids", "bytes", "offsets")]


def test_ids_and_the_bytes_behind_them_are_written(loaded, tmp_path):
    tokenizer, vocabulary = loaded
    paragraphs = [*PARAGRAPHS.values(), "", "ᚠᚢᚦ is unknown"]
    numbers = write_ids(paragraphs, tokenizer, vocabulary, tmp_path / "train")
    ids, n_bytes, offsets = arrays(tmp_path / "train")
    assert (ids.dtype, n_bytes.dtype, offsets.dtype) == (np.uint16, np.uint32, np.int64)
    assert len(offsets) == len(paragraphs) + 1
    for i, paragraph in enumerate(paragraphs):
        piece = slice(offsets[i], offsets[i + 1])
        assert ids[piece].tolist() == tokenizer.encode(paragraph, add_special_tokens=False).ids
        assert n_bytes[piece].sum() == len("".join(paragraph.split()).encode())
    assert offsets[0] == 0
    assert offsets[-1] == len(ids) == len(n_bytes)
    assert numbers == {
        "n_pieces": len(ids),
        "n_unknown": 1,
        "n_unique": len(set(ids.tolist())),
        "n_bytes": len("".join("".join(paragraphs).split()).encode()),
        "n_words": sum(len(paragraph.split()) for paragraph in paragraphs),
    }


def test_the_bytes_of_a_piece_are_those_of_its_text(loaded, tmp_path):
    tokenizer, vocabulary = loaded
    write_ids(["天 Åke"], tokenizer, vocabulary, tmp_path / "x")
    ids, n_bytes, _ = arrays(tmp_path / "x")
    assert n_bytes[0] == 3
    assert n_bytes[1:].sum() == 4
    assert [len(tokenizer.id_to_token(i).removeprefix("##").encode()) for i in ids] == n_bytes.tolist()


def test_a_large_vocabulary_takes_wider_numbers(loaded, tmp_path):
    tokenizer, vocabulary = loaded
    for size, dtype in ((2**16, np.uint16), (2**16 + 1, np.uint32)):
        write_ids(["park"], tokenizer, dataclasses.replace(vocabulary, size=size), tmp_path / "x")
        assert arrays(tmp_path / "x")[0].dtype == dtype


def test_many_paragraphs_are_encoded_in_chunks_as_one(loaded, tmp_path, monkeypatch):
    tokenizer, vocabulary = loaded
    write_ids(list(PARAGRAPHS.values()), tokenizer, vocabulary, tmp_path / "once")
    monkeypatch.setattr("bloodbank.tokenizer.encoding.CHUNK", 3)
    write_ids(list(PARAGRAPHS.values()), tokenizer, vocabulary, tmp_path / "chunks")
    for once, chunks in zip(arrays(tmp_path / "once"), arrays(tmp_path / "chunks"), strict=True):
        assert np.array_equal(once, chunks)


def test_special_pieces_written_in_a_text_are_text(tmp_path):
    settings = TokenizerSettings(vocab_size=60, alphabet_share=0.9)
    train_tokenizer(lambda: ["a [MASK] of [PAD] words"] * 9, settings, tmp_path)
    tokenizer, vocabulary = load_tokenizer(tmp_path)
    ids = tokenizer.encode("a [MASK] of [PAD]", add_special_tokens=False).ids
    assert not set(ids) & set(vocabulary.special)


def test_bytes_of_a_character_that_pieces_share_count_once(tmp_path):
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=270, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["abc"], trainer)
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    loaded, _ = load_tokenizer(tmp_path)
    ((_, ids, n_bytes),) = encode_text(["မြန်မာ"], loaded)
    assert len(ids) > 6
    assert sum(n_bytes) == len("မြန်မာ".encode())


def test_a_letter_seen_at_the_start_of_words_only_is_known_inside_words_too(tmp_path):
    text = ["뷁 가나다 qa abc 龍 天"] * 5
    train_tokenizer(lambda: text, TokenizerSettings(vocab_size=200, alphabet_share=0.9), tmp_path)
    tokenizer, vocabulary = load_tokenizer(tmp_path)
    for word in ("가뷁", "aq", "天龍"):
        assert vocabulary.unk not in tokenizer.encode(word, add_special_tokens=False).ids
    assert "##龍" not in tokenizer.get_vocab()  # a Han character is a word of its own
    assert "##뷁" in tokenizer.get_vocab()
