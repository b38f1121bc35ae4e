"""A run whose texts are translations of each other: held out by content, audited, and dropped where asked."""

import pandas as pd
import pytest

import bloodbank as bb
from bloodbank.corpus import read_part, read_summary
from bloodbank.corpus.audit.record import Audit
from bloodbank.corpus.translations import find_translations, sketch
from bloodbank.errors import UsageError
from bloodbank.store import Store
from bloodbank.transfer import make_plan
from made_books import make_book

SETTINGS = """
name = "books"
preset = "quick"
languages = ["x-a", "x-b", "x-c"]
[corpus]
path = "{{language}}.txt"
budget_chars = {budget}
dev_chars = 500
test_chars = 7_000
{more}
[tokenizer]
vocab_size = 200
alphabet_share = 0.9
"""


def write(folder, more, budget=90_000, **how):
    for code in ("x-a", "x-b", "x-c"):
        book = make_book(code, **how.get(code.replace("-", "_"), {}))
        (folder / f"{code}.txt").write_text("\n".join(book.lines) + "\n", encoding="utf-8")
    path = folder / "experiment.toml"
    path.write_text(SETTINGS.format(more=more, budget=budget), encoding="utf-8")
    return path


def leaks(path, run):
    plan, store = make_plan(bb.load_experiment(path)), Store(run)
    parts = {
        code: {part: sketch(read_part(store.path(output), part)) for part in ("train", "test")}
        for code, output in plan.corpora.items()
    }
    return {
        (one, other): find_translations(parts[one]["test"], parts[other]["train"]).share
        for one in parts
        for other in parts
        if one != other
    }


def test_parallel_texts_that_were_not_said_to_be_so_are_found_out_by_the_audit(tmp_path):
    path = write(tmp_path, "", budget=120_000)
    audit = bb.audit_corpus(path, tmp_path / "run")
    leaking = {code for code, flags in audit.flags.items() if "translated" in flags}
    assert leaking
    folder = next((tmp_path / "run" / "audit").glob("all-*"))
    table = pd.read_csv(folder / "audit_translations.csv")
    assert len(table) == 6
    assert set(table.loc[table["share"] > 0.01, "test"]) == leaking
    read = Audit.model_validate_json((tmp_path / "run" / "audit.json").read_text(encoding="utf-8"))
    assert read.translations == audit.translations


def test_translations_are_dropped_and_made_up_for(tmp_path):
    path = write(tmp_path, 'translations = "drop"')
    bb.build_texts(path, tmp_path / "run")
    assert set(leaks(path, tmp_path / "run").values()) == {0.0}
    plan, store = make_plan(bb.load_experiment(path)), Store(tmp_path / "run")
    drafts = {code: read_summary(store.path(output)) for code, output in plan.drafts.items()}
    texts = {code: read_summary(store.path(output)) for code, output in plan.corpora.items()}
    dropped = [text["removed"].get("translations", 0) for text in texts.values()]
    assert max(dropped) > 10
    for code, text in texts.items():
        assert text["n_chars"]["train"] == pytest.approx(90_000, abs=60)
        assert text["n_chars"]["test"] == drafts[code]["n_chars"]["test"]
    again = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "corpus").rglob("*.txt")}
    bb.build_texts(path, tmp_path / "run")
    assert again == {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "corpus").rglob("*.txt")}


def test_a_stretch_is_held_out_by_content_and_other_languages_change_nothing(tmp_path):
    how = {"x_b": {"missing": [(50, 300)]}, "x_c": {"moved": (500, 560, 20)}}
    path = write(tmp_path, 'parallel = "stretch"\nheldout_share = 0.2', budget=40_000, **how)
    bb.build_texts(path, tmp_path / "run")
    assert set(leaks(path, tmp_path / "run").values()) == {0.0}
    whole = make_plan(bb.load_experiment(path))
    path.write_text(path.read_text(encoding="utf-8").replace(', "x-b"', ""), encoding="utf-8")
    fewer = make_plan(bb.load_experiment(path))
    assert fewer.corpora == {code: whole.corpora[code] for code in ("x-a", "x-c")}
    path.write_text(path.read_text(encoding="utf-8").replace('"stretch"', '"stretch"\npivot = "x-c"'), encoding="utf-8")
    assert make_plan(bb.load_experiment(path)).corpora["x-a"] != whole.corpora["x-a"]


def test_a_pivot_that_is_no_language_of_the_experiment_is_refused(tmp_path):
    path = write(tmp_path, 'parallel = "stretch"\npivot = "de"')
    with pytest.raises(UsageError, match=r'corpus\.pivot = "de", which is not among the languages: x-a, x-b, x-c'):
        make_plan(bb.load_experiment(path))
