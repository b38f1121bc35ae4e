"""Translations of test text in training text are seen, and unrelated texts are not taken for them."""

import numpy as np
import pytest

from bloodbank.corpus.build import build_corpus, read_part, read_summary
from bloodbank.corpus.translations import Sketch, _best_run, build_apart, find_translations, sketch
from bloodbank.experiment.settings import CorpusSettings
from bloodbank.randomness import generator
from listed import ListSource
from made_books import make_book
from shared_data import shared_data


@pytest.mark.parametrize("seed", range(4))
def test_a_translated_stretch_is_found_and_where_it_stands(seed):
    one, two = make_book("one", seed=seed), make_book("two", seed=seed, missing=[(0, 50)])
    leak = find_translations(sketch(one.lines[300:420]), sketch(two.lines))
    assert leak.share > 0.9
    assert leak.score > 2 * leak.chance
    (first, last), *_ = leak.train_lines
    assert abs(two.originals[first] - 300) < 10
    assert abs(two.originals[last] - 419) < 10


@pytest.mark.parametrize("seed", range(4))
def test_half_a_translation_is_half(seed):
    one, two = make_book("one", seed=seed), make_book("two", seed=seed, missing=[(360, 700)])
    leak = find_translations(sketch(one.lines[300:420]), sketch(two.lines))
    assert leak.share == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("seed", range(8))
def test_other_text_is_no_translation(seed):
    one, two = make_book("one", seed=seed), make_book("two", seed=seed + 50)
    assert find_translations(sketch(one.lines[300:500]), sketch(two.lines)).share == 0
    own = make_book("two", seed=seed)  # a translation of the rest of the book
    assert find_translations(sketch(one.lines[300:420]), sketch(own.lines[:280] + own.lines[440:])).share == 0


def test_paragraphs_without_order_are_no_run():
    one, two = make_book("one"), make_book("two")
    order = generator("order").permutation(len(two.lines))
    assert find_translations(sketch(one.lines[:150]), sketch([two.lines[i] for i in order])).share == 0


def test_nothing_is_no_translation():
    empty, text = sketch([]), sketch(make_book("one", n=50).lines)
    assert find_translations(empty, text).share == find_translations(text, empty).share == 0.0


def test_large_texts_are_looked_at_in_windows(monkeypatch):
    monkeypatch.setattr("bloodbank.corpus.translations._MOST_CELLS", 128 * 900 * 2)
    one, two = make_book("one"), make_book("two")
    leak = find_translations(sketch(one.lines), sketch(two.lines))
    assert leak.n_paragraphs == 256
    assert leak.share > 0.9


def test_the_best_run_is_that_of_all_ways_tried():
    """Against the plain recurrence, cell by cell."""
    random = np.random.default_rng(0)
    for _ in range(20):
        scores = random.normal(-1, 2, size=(random.integers(1, 9), random.integers(1, 9))).astype(np.float32)
        best = np.zeros((scores.shape[0] + 1, scores.shape[1] + 1))
        for i, j in np.ndindex(scores.shape):
            ways = (0, best[i, j] + scores[i, j], best[i, j + 1] - 2.5, best[i + 1, j] - 2.5)
            best[i + 1, j + 1] = max(ways)
        top, run = _best_run(scores)
        assert top == pytest.approx(best.max(), abs=1e-4)
        gaps = np.diff(run, axis=0) - 1 if len(run) else np.zeros((0, 2))
        paid = sum(scores[i, j] for i, j in run) - 2.5 * gaps.sum()
        assert paid == pytest.approx(top, abs=1e-3)


def test_a_sketch_is_read_as_it_was_written(tmp_path):
    made = sketch(["Alpha: ", "One two.", "三。", ""])
    made.write(tmp_path, "test")
    read = Sketch.read(tmp_path, "test")
    assert read.ends.tolist() == [1, 0, 0, 2]
    assert read.lengths.tolist() == made.lengths.tolist()
    assert len(read) == 4


def test_training_text_without_translations_is_made_up_for_from_the_source(tmp_path):
    one, two = make_book("one"), make_book("two")
    chosen = CorpusSettings(budget_chars=125_000, dev_chars=500, test_chars=8_000)
    drafts = {}
    for name, book in (("de", one), ("fi", two)):
        drafts[name] = tmp_path / name
        drafts[name].mkdir()
        build_corpus(ListSource(book.lines), name, chosen, drafts[name])
    before = find_translations(sketch(read_part(drafts["de"], "test")), sketch(read_part(drafts["fi"], "train")))
    assert before.share > 0.9
    out = tmp_path / "apart"
    out.mkdir()
    build_apart(lambda: ListSource(two.lines), "fi", chosen, drafts, out)
    after = find_translations(sketch(read_part(drafts["de"], "test")), sketch(read_part(out, "train")))
    summary = read_summary(out)
    assert after.share == 0
    assert summary["removed"]["translations"] >= 0.8 * before.share * before.n_paragraphs
    assert summary["n_chars"]["train"] == pytest.approx(125_000, abs=100)
    assert list(read_part(out, "test")) == list(read_part(drafts["fi"], "test"))


def test_text_that_translates_nothing_stays_as_it_was_built(tmp_path):
    chosen = CorpusSettings(budget_chars=20_000, dev_chars=500, test_chars=4_000)
    drafts = {}
    for seed, name in enumerate(("de", "fi")):
        drafts[name] = tmp_path / name
        drafts[name].mkdir()
        build_corpus(ListSource(make_book(name, seed=seed).lines), name, chosen, drafts[name])
    out = tmp_path / "apart"
    out.mkdir()
    build_apart(lambda: ListSource([]), "fi", chosen, drafts, out)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in drafts["fi"].iterdir())
    assert (out / "train.txt").read_bytes() == (drafts["fi"] / "train.txt").read_bytes()


def test_articles_of_two_wikipedias_are_no_translations_of_each_other(tmp_path):
    from bloodbank.corpus import open_source
    from bloodbank.experiment.settings import SourceSettings

    dumps = sorted(shared_data("wikipedia-dumps").glob("*.xml.bz2"))
    texts = {}
    for path in dumps:
        language = "bg" if path.name.startswith("bg") else "en"
        source = open_source(SourceSettings(source="wikipedia", path=str(path)), language)
        texts[language] = [line for document in source.read() for line in document.paragraphs]
    assert len(texts) == 2
    for test, train in (("en", "bg"), ("bg", "en")):
        assert find_translations(sketch(texts[test]), sketch(texts[train])).share == 0
