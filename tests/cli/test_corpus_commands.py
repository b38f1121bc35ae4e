"""The corpus stage alone, from the command line and from Python: build, audit, and what a run does with it."""

import hashlib
import json

import pytest

import bloodbank as bb
from bloodbank.corpus import read_part
from bloodbank.corpus.audit.record import Audit
from bloodbank.corpus.audit.sentences import findings
from bloodbank.errors import UsageError
from bloodbank.store import Store
from bloodbank.transfer import make_plan
from generated import sentences
from shared_data import shared_data
from small_run import run_command, write_experiment


def change(path, old, new):
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")
    return path


def texts_of(path, folder, part="train"):
    plan, store = make_plan(bb.load_experiment(path)), Store(folder)
    return {language: list(read_part(store.path(output), part)) for language, output in plan.corpora.items()}


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """An audit of generated text from the command line."""
    folder = tmp_path_factory.mktemp("audited")
    path = write_experiment(folder)
    code, out, err = run_command("corpus", "audit", path)
    assert code == 0, err
    return path, folder / "runs" / "small", out


def test_build_makes_text_and_nothing_else(tmp_path):
    path = write_experiment(tmp_path)
    code, out, err = run_command("corpus", "build", path)
    assert code == 0, err
    run = tmp_path / "runs" / "small"
    assert {one.name for one in run.iterdir()} == {"corpus", "locks", "plan.json", "experiment.json"}
    lines = {line.split()[0]: line for line in out.splitlines()}
    for language, text in texts_of(path, run).items():
        n_chars = sum(map(len, text))
        assert 1_450 <= n_chars <= 1_500
        assert f"train {n_chars:,}" in lines[language]
        assert lines[language].endswith(str(next((run / "corpus").glob(f"{language}-*"))))


def test_the_audit_says_what_is_in_the_texts(audited):
    path, run, out = audited
    audit = Audit.model_validate_json((run / "audit.json").read_text(encoding="utf-8"))
    assert [one.code for one in audit.languages] == ["x-a", "x-b", "x-c"]
    for one in audit.languages:
        text = texts_of(path, run)[one.code]
        assert one.sample.n_chars == sum(map(len, text))
        assert one.sample.n_words == sum(len(line.split()) for line in text)
        assert one.sample.n_paragraphs == len(text)
        assert one.source_size.exact
        assert one.source_size.n_chars == sum(map(len, sentences_of(path, one.code)))
        assert one.tokens.n_tokens >= one.sample.n_words
        assert one.tokens.updates_per_epoch >= 1
    assert audit.overlap["x-b"]["x-a"] == 0.0  # Greek letters and Latin ones
    assert "x-a" in out
    for name in ("audit.csv", "audit_overlap.csv", "DATA_CARD.md", "audit_sizes.svg"):
        assert (run / name).stat().st_size > 0
        assert str(run / name) in out


def sentences_of(path, language):
    return (path.parent / f"{language}.txt").read_text(encoding="utf-8").splitlines()


def test_a_run_goes_on_from_the_audit_and_holds_it(audited):
    path, run, _ = audited
    before = {one.name: one.stat().st_mtime_ns for one in (run / "audit").iterdir()}
    code, _, err = run_command("run", path)
    assert code == 0, err
    assert {one.name: one.stat().st_mtime_ns for one in (run / "audit").iterdir()} == before
    assert (run / "bank.json").exists()


def test_the_audit_from_python_is_what_the_file_holds(audited):
    path, run, _ = audited
    audit = bb.audit_corpus(path)
    assert audit == Audit.model_validate_json((run / "audit.json").read_text(encoding="utf-8"))


def test_an_audit_of_the_whole_source_is_not_replaced_by_one_of_a_sample(tmp_path):
    path = write_experiment(tmp_path)
    whole = bb.audit_corpus(path, full=True)
    folder = tmp_path / "runs" / "small" / "audit"
    before = sorted(one.name.rpartition("-")[0] for one in folder.iterdir())
    assert before == ["all_full", "x-a_full", "x-b_full", "x-c_full"]
    assert bb.audit_corpus(path) == whole
    assert sorted(one.name.rpartition("-")[0] for one in folder.iterdir()) == before


def test_all_are_cut_to_the_smallest_where_that_is_asked(tmp_path):
    path = write_experiment(tmp_path)
    short = "\n".join(sentences(120, seed=7))
    (tmp_path / "x-b.txt").write_text(short, encoding="utf-8")
    with pytest.raises(
        UsageError, match=r'x-b\.txt: [\d,]+ characters of train text.* With corpus\.too_little = "smal'
    ):
        bb.build_texts(path)
    bb.build_texts(change(path, "test_chars", 'too_little = "smallest"\ntest_chars'))
    for part in ("train", "test"):
        texts = texts_of(path, tmp_path / "runs" / "small", part)
        sizes = [sum(map(len, text)) for text in texts.values()]
        assert max(sizes) - min(sizes) <= 20, part  # no more than a cut between words
        assert 300 < min(sizes) < 1_400


def test_a_short_language_is_kept_and_flagged_where_that_is_asked(tmp_path):
    path = change(write_experiment(tmp_path), "test_chars", 'too_little = "keep"\ntest_chars')
    (tmp_path / "x-b.txt").write_text("\n".join(sentences(120, seed=7)), encoding="utf-8")
    audit = bb.audit_corpus(path)
    assert audit.flags["x-b"][0] == "short"
    assert "short" not in audit.flags.get("x-a", [])
    sizes = {code: sum(map(len, text)) for code, text in texts_of(path, tmp_path / "runs" / "small").items()}
    assert sizes["x-b"] < 1_400 < sizes["x-a"]


def test_a_budget_in_tokens_is_met_to_the_piece(tmp_path):
    path = change(write_experiment(tmp_path), "test_chars", "budget_tokens = 500\ntest_chars")
    audit = bb.audit_corpus(path)
    assert {one.tokens.n_tokens for one in audit.languages} == {500}
    assert len({one.tokens.updates_per_epoch for one in audit.languages}) == 1
    assert (audit.budget, audit.budget_unit) == (500, "tokens")
    folder = tmp_path / "runs" / "small"
    counted = {
        file.parent.name.rpartition("-")[0]: json.loads(file.read_text(encoding="utf-8"))
        for file in folder.glob("tokens/*/tokens.json")
    }
    for one in audit.languages:  # the audit is of the text that is encoded, and not of what the budget left out
        encoded = counted[one.code]["train"]
        assert one.sample.n_words == pytest.approx(encoded["n_words"], abs=1)
        assert one.fertility == pytest.approx(500 / encoded["n_words"], rel=0.02)
        assert one.sample.n_chars < 0.7 * sum(map(len, texts_of(path, folder)[one.code]))
    card = (folder / "DATA_CARD.md").read_text(encoding="utf-8")
    assert hashlib.sha256((tmp_path / "x-a.txt").read_bytes()).hexdigest() in card
    assert "written" in card
    change(path, "budget_tokens = 500", "budget_tokens = 90_000")
    with pytest.raises(
        UsageError, match=r"^x-[abc]: .* pieces of train text, but corpus\.budget_tokens = 90,000\. Raise"
    ):
        bb.audit_corpus(path, update=True)


def test_a_language_that_is_short_of_its_tokens_is_flagged(tmp_path):
    more = 'budget_tokens = 1_300\ntoo_little = "keep"\ntest_chars'
    audit = bb.audit_corpus(change(write_experiment(tmp_path), "test_chars", more))
    short = {one.code for one in audit.languages if one.tokens.n_tokens < 1_300}
    assert short  # else this test shows nothing
    assert {code for code, flags in audit.flags.items() if "short" in flags} == short
    assert findings(audit)[0].startswith("Short of the budget of 1,300 tokens: ")


def test_languages_may_have_different_sources(tmp_path):
    path = write_experiment(tmp_path)
    records = [json.dumps({"id": i, "body": line}) for i, line in enumerate(sentences(300, seed=3))]
    (tmp_path / "b.jsonl").write_text("\n".join(records), encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write('[corpus.sources.x-b]\nsource = "hub"\npath = "b.jsonl"\ncolumn = "body"\nlicence = "CC0-1.0"\n')
    audit = bb.audit_corpus(path)
    kinds = {one.code: (one.origin, one.licence) for one in audit.languages}
    assert kinds == {"x-a": ("x-a.txt", None), "x-b": ("b.jsonl", "CC0-1.0"), "x-c": ("x-c.txt", None)}
    written = {
        line for part in ("train", "dev", "test") for line in texts_of(path, tmp_path / "runs/small", part)["x-b"]
    }
    own = set(sentences(300, seed=3))
    assert len(written - own) <= 3  # but for what was cut


def test_a_dump_becomes_text_and_its_audit_says_where_from(tmp_path):
    dump = shared_data("wikipedia-dumps", "enwiki-pages-articles.xml.bz2")
    path = tmp_path / "experiment.toml"
    path.write_text(
        f'languages = ["en", "de"]\npreset = "quick"\nname = "dump"\n[corpus]\nsource = "wikipedia"\npath = "{dump}"\n'
        f'[corpus.sources.de]\npath = "{shared_data("text", "de.txt.xz")}"\n',
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=r"corpus\.path must hold `\{language\}`"):
        bb.load_experiment(path)
    change(
        path, "[corpus.sources.de]", f'[corpus.sources.en]\nsource = "wikipedia"\npath = "{dump}"\n[corpus.sources.de]'
    )
    audit = bb.audit_corpus(path)
    english = audit.languages[0]
    assert english.origin == "enwiki-pages-articles.xml.bz2"
    assert english.licence.startswith("CC BY-SA")
    assert english.source_size.exact
    assert 1_500_000 < english.source_size.n_chars < 4_000_000
    assert english.sample.n_chars > 99_900


def test_sources_of_unknown_languages_and_lines_of_records_are_refused(tmp_path):
    path = write_experiment(tmp_path)
    with path.open("a", encoding="utf-8") as file:
        file.write('[corpus.sources.x-zz]\npath = "other.txt"\n')
    with pytest.raises(UsageError, match=r"corpus\.sources names x-zz, which is not among `languages`"):
        bb.load_experiment(path)
    change(path, "x-zz", "x-a")
    change(path, 'path = "other.txt"', 'path = "other.jsonl"\nsource = "hub"')
    assert bb.load_experiment(path).corpus.source_of("x-a").source == "hub"
    change(path, "test_chars", 'parallel = "lines"\ntest_chars')
    with pytest.raises(UsageError, match='records of a data set are told apart by keys: parallel = "keys"'):
        bb.load_experiment(path)
