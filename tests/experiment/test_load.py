"""The experiment file: what it means, and what is said of one that cannot be used."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from bloodbank.cli import main
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.experiment.load import Experiment, load_experiment, make_experiment, presets
from bloodbank.languages import PAPER_LANGUAGES, PAPER_TOKENIZER_LANGUAGES

TOP = 'languages = ["de", "fi", "zh"]\n'
CORPUS = '[corpus]\npath = "text/{language}.txt"\n'


@pytest.fixture
def write(tmp_path):
    def to_file(text, name="experiment.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


@pytest.fixture
def load(write):
    return lambda *parts: load_experiment(write("".join(parts)))


@pytest.fixture
def complaint(write):
    """What is said of a file, without the file's name, which every line begins with."""

    def of(*parts):
        path = write("".join(parts))
        with pytest.raises(UsageError) as caught:
            load_experiment(path)
        lines = str(caught.value).split("\n")
        assert all(line.startswith(f"{path}: ") for line in lines)
        return "\n".join(line.removeprefix(f"{path}: ") for line in lines)

    return of


# Presets.


def test_the_papers_preset_has_the_papers_languages_and_values(load):
    paper = load('preset = "paper"\n', CORPUS)
    assert paper.languages == PAPER_LANGUAGES
    assert paper.tokenizer.extra_languages == PAPER_TOKENIZER_LANGUAGES
    assert len(paper.languages) == 22
    assert len(paper.tokenizer.extra_languages) == 19
    assert paper.seeds == (0,)
    # Section 3 and 4.1, and the released training script.
    assert paper.corpus.budget_chars == 10_000_000
    tokenizer, model, training = paper.tokenizer, paper.model, paper.training
    assert (tokenizer.vocab_size, tokenizer.min_frequency, tokenizer.normalization) == (100_000, 3, "bert")
    assert (model.n_layers, model.n_heads, model.hidden_size, model.feed_forward_size) == (4, 4, 512, 3_072)
    assert (model.n_positions, model.dropout, model.attention_dropout) == (128, 0.1, 0.1)
    assert model.initialization == "bert"
    assert (training.epochs, training.epochs_bilingual, training.layout) == (4, 3, "rows")
    assert (training.batch_size, training.learning_rate, training.warmup_share) == (8, 5e-5, 0.0)
    assert (training.weight_decay, training.beta2, training.clip_norm, training.mask_share) == (0.0, 0.999, 1.0, 0.15)
    assert (paper.scoring.metric, paper.scoring.corruption) == ("mrr", "bert")
    assert paper.grid.protocols == ("sequential",)


@pytest.mark.parametrize("name", presets())
def test_every_preset_loads(load, name):
    languages = "" if name == "paper" else TOP
    assert load(f'preset = "{name}"\n', languages, CORPUS).preset == name


def test_without_a_preset_the_recommended_one_is_taken(load):
    assert load(TOP, CORPUS) == load('preset = "recommended"\n', TOP, CORPUS)
    assert load(TOP, CORPUS).seeds == (0, 1, 2)


def test_the_file_has_the_last_word_key_by_key(load):
    mine = load('preset = "quick"\n', TOP, CORPUS, "dev_chars = 77\n[training]\nepochs = 2\n")
    quick = load('preset = "quick"\n', TOP, CORPUS)
    assert (mine.corpus.dev_chars, mine.training.epochs) == (77, 2)
    assert mine.corpus.test_chars == quick.corpus.test_chars != load(TOP, CORPUS).corpus.test_chars
    assert mine.training.epochs_bilingual == quick.training.epochs_bilingual
    assert mine.model == quick.model


def test_an_unknown_preset_names_those_there_are(complaint):
    assert complaint('preset = "papre"\n', TOP, CORPUS) == (
        'preset = "papre" is not known. Allowed: quick, recommended, paper, screen, calibrate.'
    )


# Keys.


@pytest.mark.parametrize(
    ("parts", "key", "meant", "also_allowed"),
    [
        ((TOP, CORPUS, "[model]\nlayer = 3\n"), "model.layer", "model.n_layers", "hidden_size"),
        ((TOP, "vocab_size = 3\n", CORPUS), "vocab_size", "tokenizer.vocab_size", "seeds"),
        ((TOP, CORPUS, "[training]\nvocab_size = 3\n"), "training.vocab_size", "tokenizer.vocab_size", "beta2"),
        ((TOP, CORPUS, "[modell]\nn_layers = 3\n"), "modell", "model", "grid"),
        ((TOP, "language = []\n", CORPUS), "language", "languages", "seeds"),
        ((TOP, CORPUS, 'donors = ["de"]\n'), "corpus.donors", "grid.donors", "budget_chars"),
    ],
)
def test_a_mistyped_key_is_told_with_what_was_meant(complaint, parts, key, meant, also_allowed):
    said = complaint(*parts)
    assert said.startswith(f"unknown key `{key}`. Did you mean `{meant}`? Allowed here: ")
    assert also_allowed in said.partition("Allowed here: ")[2].rstrip(".").split(", ")


def test_a_key_that_is_like_no_other_is_told_without_a_guess(complaint):
    said = complaint(TOP, CORPUS, "[zulu]\ntask = 1\n")
    assert said.startswith("unknown key `zulu`. Allowed here: name, preset, languages, ")


def test_all_faults_of_a_file_are_told_at_once(complaint):
    said = complaint(TOP, CORPUS, "budget_chars = 0\n[model]\nlayer = 3\n[execution]\nworkers = -1\n")
    assert [line.partition("`")[2].partition("`")[0] for line in said.split("\n")] == [
        "corpus.budget_chars",
        "model.layer",
        "execution.workers",
    ]


# Values.


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((TOP, CORPUS, "budget_chars = 0\n"), "`corpus.budget_chars`: Input should be greater than 0."),
        ((TOP, CORPUS, "[training]\nwarmup_share = 1\n"), "`training.warmup_share`: Input should be less than 1."),
        ((TOP, CORPUS, "[execution]\nworkers = -1\n"), "`execution.workers`: Input should be greater than or equal to"),
        (
            (TOP, CORPUS, "[training]\nlearning_rate = inf\n"),
            "`training.learning_rate`: Input should be a finite number",
        ),
        (
            (TOP, CORPUS, "[training]\nlearning_rate = nan\n"),
            "`training.learning_rate`: Input should be a finite number",
        ),
        ((TOP, CORPUS, "[model]\nhidden_size = 10\n"), "`model`: hidden_size 10 cannot be divided among n_heads 4."),
        ((TOP, CORPUS, '[grid]\nprotocols = ["jont"]\n'), "`grid.protocols.0`: Input should be "),
        ((TOP, 'name = "a/b"\n', CORPUS), "`name`: String should match pattern"),
        ((CORPUS,), "`languages` is missing."),
        (('languages = ["de"]\n', CORPUS), "`languages`: Value should have at least 2 items"),
        ((TOP, "seeds = []\n", CORPUS), "`seeds`: Value should have at least 1 item"),
        ((TOP, "seeds = [0, 1, 0]\n", CORPUS), "`seeds`: named more than once: 0; name each once."),
        (
            ('languages = ["de", "fi", "de", "zh", "fi"]\n', CORPUS),
            "`languages`: named more than once: de, fi; name each once.",
        ),
        (('languages = ["de", "xx"]\n', CORPUS), "`languages.1`: unknown language 'xx'. "),
        (
            ('languages = ["de", "German"]\n', CORPUS),
            "`languages.1`: unknown language 'German'. Did you mean 'de' (German)? ",
        ),
        ((TOP, "more_seeds = {xx = [1]}\n", CORPUS), "`more_seeds.xx.[key]`: unknown language 'xx'. "),
        ((TOP, CORPUS, '[grid]\npairs = [["fi", "xx"]]\n'), "`grid.pairs.0.1`: unknown language 'xx'. "),
        (
            (TOP, CORPUS, '[grid]\npairs = [["fi", "de"], ["de", "de"]]\n'),
            "`grid`: pair [de, de]: a language is not its own donor.",
        ),
        (
            (TOP, CORPUS, '[grid]\npairs = [["fi", "de"]]\ndonors = ["fi"]\n'),
            "`grid`: give `pairs`, or `donors` and `recipients`, not both.",
        ),
        (
            (TOP, CORPUS, '[grid]\ndonors = ["de", "fr", "sv"]\n'),
            "`the file`: grid.donors names fr, sv, which is not among `languages`.",
        ),
        (
            (TOP, CORPUS, '[grid]\nrecipients = ["fr"]\n'),
            "`the file`: grid.recipients names fr, which is not among `languages`.",
        ),
        (
            (TOP, CORPUS, '[grid]\npairs = [["fi", "fr"]]\n'),
            "`the file`: grid.pairs names fr, which is not among `languages`.",
        ),
        (
            (TOP, "more_seeds = {fr = [1]}\n", CORPUS),
            "`the file`: more_seeds names fr, which is not among `languages`.",
        ),
        (
            (TOP, CORPUS, '[tokenizer]\nextra_languages = ["sv", "fi"]\n'),
            "`the file`: tokenizer.extra_languages names fi, which is among `languages` already.",
        ),
        ((TOP,), '`the file`: corpus.path must hold `{language}`, as in path = "text/{language}.txt.xz".'),
        ((TOP, '[corpus]\npath = "de.txt"\n'), "`the file`: corpus.path must hold `{language}`, as in path = "),
    ],
)
def test_a_value_that_cannot_be_used_is_told_with_its_key(complaint, parts, said):
    assert complaint(*parts).startswith(said)


# Files.


def test_text_that_is_not_toml_is_told_with_the_place(complaint):
    assert complaint(TOP, "name = \n").startswith("not valid TOML: Invalid value (at line 2, column 8).")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UsageError) as caught:
        load_experiment(tmp_path / "none.toml")
    assert str(caught.value) == f"{tmp_path}/none.toml: no such file. Give the path of an experiment file (TOML)."


def test_a_folder_is_no_experiment_file(tmp_path):
    with pytest.raises(UsageError) as caught:
        load_experiment(tmp_path)
    assert str(caught.value) == f"{tmp_path} is a folder. Give the path of an experiment file (TOML)."


def test_a_file_in_another_encoding_is_told(tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_bytes('name = "Bär"'.encode("latin-1"))
    with pytest.raises(UsageError, match=r"experiment\.toml: not UTF-8 text \(.* at byte 9\)\.$"):
        load_experiment(path)


def test_paths_are_relative_to_the_file_not_to_the_shell(write, tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    (tmp_path / "elsewhere").mkdir()
    write(TOP + CORPUS + '[tokenizer]\npath = "../pieces"\n', "deep/experiment.toml")
    monkeypatch.chdir(tmp_path / "elsewhere")
    experiment = load_experiment("../deep/experiment.toml")
    assert experiment.corpus.source_of("zh").path == str(tmp_path / "deep" / "text" / "zh.txt")
    assert Path(experiment.tokenizer.path).is_absolute()
    assert Path(experiment.tokenizer.path).resolve() == tmp_path / "pieces"


def test_absolute_paths_and_the_home_folder_stay_what_they_are(load, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    one = load(TOP, '[corpus]\npath = "/data/{language}/{language}.txt.xz"\n[tokenizer]\npath = "~/pieces"\n')
    assert one.corpus.source_of("zh").path == "/data/zh/zh.txt.xz"
    assert one.tokenizer.path == str(tmp_path / "home" / "pieces")


# The experiment in memory.


def test_settings_never_change(load):
    experiment = load(TOP, CORPUS)
    with pytest.raises(ValidationError, match="frozen"):
        experiment.name = "other"
    with pytest.raises(ValidationError, match="frozen"):
        experiment.model.n_layers = 12


def test_settings_survive_json(load):
    experiment = load(
        'preset = "quick"\n', TOP, "more_seeds = {de = [4]}\n", CORPUS, '[grid]\npairs = [["fi", "de"]]\n'
    )
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment
    assert Experiment.model_validate(experiment.model_dump(mode="json")) == experiment


def test_settings_can_come_from_python(tmp_path):
    content = {"languages": ["de", "fi"], "corpus": {"path": "{language}.txt"}}
    assert make_experiment(content, where="here", base=tmp_path).corpus.source_of("de").path == str(tmp_path / "de.txt")
    with pytest.raises(UsageError, match=r"^here: unknown key `modell`"):
        make_experiment({**content, "modell": {}}, where="here", base=tmp_path)
    assert content["corpus"] == {"path": "{language}.txt"}  # what was given is not touched


def test_some_languages_have_more_seeds(load):
    experiment = load(TOP, "seeds = [3, 1]\nmore_seeds = {fi = [7, 1, 5]}\n", CORPUS)
    assert experiment.seeds_of("de") == (3, 1)
    assert experiment.seeds_of("fi") == (3, 1, 7, 5)


# Exit codes.


def test_wrong_usage_and_failed_runs_have_their_exit_codes():
    assert (BloodbankError.exit_code, UsageError.exit_code) == (1, 2)
    assert issubclass(UsageError, BloodbankError)


@pytest.fixture
def command(monkeypatch):
    def give(*arguments):
        monkeypatch.setattr(sys, "argv", ["bloodbank", *map(str, arguments)])
        main()

    return give


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_the_command_line_ends_with_2_and_one_message_for_a_wrong_file(write, command, capsys, tmp_path, dry):
    path = write(TOP + CORPUS + "[model]\nlayer = 3\n")
    with pytest.raises(SystemExit) as ended:
        command("run", path, *dry)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"bloodbank: {path}: unknown key `model.layer`. Did you mean `model.n_layers`?")
    assert "Traceback" not in said.err
    assert [file.name for file in tmp_path.iterdir()] == ["experiment.toml"]  # nothing was written


def test_debug_shows_where_an_error_comes_from(command, tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        command("run", tmp_path / "none.toml", "--debug")


def test_a_mistyped_option_ends_with_2(command, capsys):
    with pytest.raises(SystemExit) as ended:
        command("run", "experiment.toml", "--worker", "2")
    assert ended.value.code == 2


def test_the_installed_command_ends_with_2(tmp_path):
    code = "from bloodbank.cli import main; main()"
    run = subprocess.run([sys.executable, "-c", code, "run", tmp_path], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr == f"bloodbank: {tmp_path} is a folder. Give the path of an experiment file (TOML).\n"
