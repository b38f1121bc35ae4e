"""The corpus stage: files, numbers, and what is said of sources that are too short."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from bloodbank.corpus import PARTS, cut_corpus, read_part, read_summary
from bloodbank.corpus import build_corpus as build_from_source
from bloodbank.corpus.sources.text import TextSource
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import CorpusSettings


def build_corpus(path, *arguments, **more):
    return build_from_source(TextSource([path]), *arguments, **more)


@pytest.fixture
def source(tmp_path):
    """100 paragraphs of 30 characters and 33 bytes, ten empty lines, and one paragraph a second time."""
    path = tmp_path / "de.txt"
    lines = [f"Äpfel, Öl und Müll sind Nr. {i:02}" for i in range(100)]
    assert {len(line) for line in lines} == {30}
    path.write_text("\n".join([*lines[:50], *[""] * 10, *lines[50:], lines[7].upper()]) + "\n", encoding="utf-8")
    return path


def described(path):
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "changed": changed, "sha256": digest}


def settings(**more):
    return CorpusSettings(**{"budget_chars": 1_500, "dev_chars": 150, "test_chars": 300} | more)


def test_the_three_parts_and_their_numbers_are_written(source, tmp_path):
    summary = build_corpus(source, "de", settings(), tmp_path)
    assert json.loads((tmp_path / "corpus.json").read_text(encoding="utf-8")) == summary
    parts = {part: (tmp_path / f"{part}.txt").read_text(encoding="utf-8").splitlines() for part in PARTS}
    assert {part: len(lines) for part, lines in parts.items()} == {"train": 50, "dev": 5, "test": 10}
    example = summary.pop("example")
    assert example == parts["train"][0]
    share = summary.pop("share_read")
    assert summary.pop("chars_read") / share == pytest.approx(101 * 30, rel=0.05)
    assert summary.pop("met")["lines"] <= 111
    assert summary == {
        "language": "de",
        "source": {"kind": "text", "files": [described(source)], "licence": None},
        "n_paragraphs": {"train": 50, "dev": 5, "test": 10},
        "n_chars": {"train": 1_500, "dev": 150, "test": 300},
        "n_bytes": {"train": 50 * 33, "dev": 5 * 33, "test": 10 * 33},
        "removed": {"repeated": summary["removed"]["repeated"]},  # where this one starts, the second copy may be met
        "short": {},
    }
    assert {part: list(read_part(tmp_path, part)) for part in PARTS} == parts


def test_repeated_paragraphs_are_left_out_and_counted(tmp_path):
    # Wherever the text starts, the copies of 10 + 5 held-out paragraphs come 50 lines later.
    source, lines = tmp_path / "fi.txt", [f"Omenat ovat nro {i:02}" for i in range(50)]
    source.write_text("\n".join(lines + [line.upper() for line in lines]), encoding="utf-8")
    budgets = settings(test_chars=10 * 18, dev_chars=5 * 18, budget_chars=70 * 18)
    kept = build_corpus(source, "fi", budgets.model_copy(update={"duplicates": "keep"}), tmp_path)
    assert kept["n_paragraphs"] == {"train": 70, "dev": 5, "test": 10}
    assert kept["removed"] == {"repeated": 15}
    texts = {part: {line.casefold() for line in read_part(tmp_path, part)} for part in PARTS}
    assert {part: len(found) for part, found in texts.items()} == {"train": 35, "dev": 5, "test": 10}
    assert len(set.union(*texts.values())) == 50
    once = build_corpus(source, "fi", budgets.model_copy(update={"budget_chars": 35 * 18}), tmp_path)
    assert once["n_paragraphs"] == {"train": 35, "dev": 5, "test": 10}


@pytest.mark.parametrize(
    ("dev_chars", "n_chars"),
    [
        (109, {"train": 999, "dev": 108, "test": 300}),  # ends: "Äpfel, Öl" and "Äpfel, Öl und Müll"
        (100, {"train": 990, "dev": 99, "test": 300}),  # both would end with "Äpfel, Öl", so train does without
    ],
)
def test_numbers_are_true_where_the_last_paragraph_is_cut(source, tmp_path, dev_chars, n_chars):
    summary = build_corpus(source, "de", settings(budget_chars=1_000, dev_chars=dev_chars), tmp_path)
    for part in PARTS:
        lines = list(read_part(tmp_path, part))
        assert summary["n_paragraphs"][part] == len(lines)
        assert summary["n_chars"][part] == sum(map(len, lines))
        assert summary["n_bytes"][part] == (tmp_path / f"{part}.txt").stat().st_size - len(lines)
    assert summary["n_chars"] == n_chars


def test_the_same_source_gives_the_same_files(source, tmp_path):
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        build_corpus(source, "de", settings(), tmp_path / name)
    for part in PARTS:
        assert (tmp_path / "once" / f"{part}.txt").read_bytes() == (tmp_path / "again" / f"{part}.txt").read_bytes()


def complaint(source, tmp_path, **more):
    with pytest.raises(UsageError) as caught:
        build_corpus(source, "de", settings(**more), tmp_path)
    assert not list(tmp_path.glob("*.json"))
    return str(caught.value)


def test_a_source_that_is_too_short_is_told_with_numbers_and_a_remedy(source, tmp_path):
    message = complaint(source, tmp_path, budget_chars=10_000)  # 100 paragraphs, of which 15 are held out
    assert message == (
        f"{source}: 2,550 characters of train text, but corpus.budget_chars = 10,000 (a repeated "
        "paragraph counts once). Every language must bring the same: give more text, or lower "
        'corpus.budget_chars to at most 2,550. With corpus.too_little = "smallest" all are cut to the smallest, '
        'with "keep" it stays short.'
    )
    build_corpus(source, "de", settings(budget_chars=2_550), tmp_path)  # the remedy is one


def test_a_source_that_the_test_text_uses_up_is_not_told_to_train_on_nothing(source, tmp_path):
    message = complaint(source, tmp_path, test_chars=100_000)
    assert "corpus.test_chars = 100,000" in message
    assert "lower corpus.test_chars to at most 3,000. With" in message
    message = complaint(source, tmp_path, test_chars=3_000)  # as told; now nothing is left
    assert "0 characters of dev text, but corpus.dev_chars = 150 (a" in message
    assert message.endswith("give more text, or lower the budgets of the other parts.")


def test_too_little_held_out_text_of_a_parallel_source_has_another_remedy(source, tmp_path):
    message = complaint(source, tmp_path, parallel="lines", test_chars=600, dev_chars=30)
    assert "corpus.test_chars = 600" in message
    assert " or raise corpus.heldout_share. With" in message
    build_corpus(source, "de", settings(parallel="lines", test_chars=600, dev_chars=30, heldout_share=0.3), tmp_path)


def test_a_budget_that_is_missed_by_no_more_than_a_cut_between_words_counts_as_met(source, tmp_path):
    # 100 different paragraphs, of which 15 are held out, leave 2,550 characters.
    assert build_corpus(source, "de", settings(budget_chars=2_600), tmp_path)["n_chars"]["train"] == 2_550
    with pytest.raises(UsageError, match=r"2,550 characters of train text, but corpus\.budget_chars = 2,700"):
        build_corpus(source, "de", settings(budget_chars=2_700), tmp_path)


def test_text_without_spaces_meets_its_budgets(tmp_path):
    path = tmp_path / "zh.txt"
    path.write_text("\n".join(f"题目{n} " + chr(0x4E00 + n) * 30_000 for n in range(8)), encoding="utf-8")
    summary = build_corpus(path, "zh", settings(budget_chars=100_000, dev_chars=5_000, test_chars=20_000), tmp_path)
    assert summary["n_chars"] == {"train": 100_000, "dev": 5_000, "test": 20_000}


def test_too_little_other_text_for_the_control_self_is_told(tmp_path):
    source = tmp_path / "de.txt"
    source.write_text("\n".join(f"paragraph number {i}" for i in range(60)), encoding="utf-8")
    settings = CorpusSettings(budget_chars=700, dev_chars=100, test_chars=100)
    with pytest.raises(UsageError, match=r"are left after the training text, but the control `self` needs 700"):
        build_corpus(source, "de", settings, tmp_path, wanted=("other",))
    assert not (tmp_path / "other.txt").exists()


# Other units, short texts, cleaning.


def test_a_budget_in_bytes_is_met_in_bytes(source, tmp_path):
    summary = build_corpus(source, "de", settings(budget_bytes=33 * 40), tmp_path)
    assert (summary["n_bytes"]["train"], summary["n_chars"]["train"]) == (33 * 40, 30 * 40)
    with pytest.raises(UsageError, match=r"2,805 bytes of train text, but corpus\.budget_bytes = 9,000"):
        build_corpus(source, "de", settings(budget_bytes=9_000), tmp_path)


def test_a_short_text_is_kept_and_marked_where_that_is_asked(source, tmp_path):
    summary = build_corpus(source, "de", settings(budget_chars=10_000, too_little="keep"), tmp_path)
    assert summary["short"] == {"train": 2_550}
    assert sum(map(len, read_part(tmp_path, "train"))) == 2_550


def test_no_text_at_all_is_never_kept(source, tmp_path):
    with pytest.raises(UsageError, match="0 characters of dev text"):
        build_corpus(source, "de", settings(test_chars=3_000, too_little="keep"), tmp_path)


def test_a_text_is_cut_to_the_smallest(source, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    build_corpus(source, "de", settings(), whole)
    summary = cut_corpus(whole, {"train": 100, "dev": 150, "test": 61}, settings(), cut)
    assert summary == read_summary(cut)
    assert summary["n_chars"] == {"train": 99, "dev": 150, "test": 61}  # cut between words, where there is a space
    for part in PARTS:
        text = list(read_part(cut, part))
        assert list(read_part(whole, part))[: len(text) - 1] == text[:-1]
        assert summary["n_chars"][part] == sum(map(len, text))


def test_a_large_file_is_not_read_whole_for_its_hash(source, tmp_path, monkeypatch):
    monkeypatch.setattr("bloodbank.corpus.build.LARGE_BYTES", source.stat().st_size)
    (file,) = build_corpus(source, "de", settings(), tmp_path)["source"]["files"]
    assert file == described(source) | {"sha256": None}


def test_a_cut_makes_no_text_that_another_part_has(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    parts = {
        "test": ["open file", "close it"],
        "dev": ["one more"],
        "train": ["some text", "Open File now", "the rest"],
    }
    for part, lines in parts.items():
        (whole / f"{part}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (whole / "corpus.json").write_text(json.dumps({"short": {}}), encoding="utf-8")
    cut_corpus(whole, {"test": 17, "dev": 8, "train": 18}, settings(), cut)  # of "Open File now" there is room for 9
    assert {part: list(read_part(cut, part)) for part in parts} == parts | {"train": ["some text"]}


def test_what_cleaning_leaves_out_is_counted_and_nothing_is_left_out_without_it(tmp_path):
    path = tmp_path / "de.txt"
    path.write_text("\n".join(f"Ein Satz mit der Nummer {i}.\n--- {i} ---" for i in range(60)))
    clean = build_corpus(path, "de", settings(budget_chars=500, test_chars=100), tmp_path)
    assert sum(count for step, count in clean["removed"].items() if not step.endswith(("chars", "repeated"))) > 20
    assert not [line for part in PARTS for line in read_part(tmp_path, part) if line.startswith("---")]
    raw = settings(budget_chars=500, test_chars=100, cleaning="minimal")
    assert build_corpus(path, "de", raw, tmp_path)["removed"] == {"repeated": 0}
    assert len([line for line in read_part(tmp_path, "train") if line.startswith("---")]) > 10


def test_sentences_stand_on_lines_of_their_own_where_that_is_asked(tmp_path):
    path = tmp_path / "de.txt"
    path.write_text("\n".join(f"Das ist Satz {i}. Es folgt noch einer, Nummer {i}!" for i in range(60)))
    build_corpus(path, "de", settings(budget_chars=500, test_chars=100, unit="sentence"), tmp_path)
    *whole, _ = read_part(tmp_path, "train")
    assert len(whole) > 15
    assert all(line.startswith(("Das ist", "Es folgt")) and line[-1] in ".!" for line in whole)
