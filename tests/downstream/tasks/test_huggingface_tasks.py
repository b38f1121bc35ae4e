"""Tasks from datasets of a hub that runs on this machine; asked in a process of its own, as its library wants it."""

import io
import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bloodbank.downstream.tasks.huggingface import HubData
from bloodbank.downstream.tasks.pos_and_ner import NerTask, PosTask
from bloodbank.errors import UsageError
from local_hub import serve_hub

NER_NAMES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]  # the hub's order is not ours
UPOS_NAMES = ["NOUN", "PUNCT", "ADP", "_", "DET", "VERB"]


def as_parquet(rows):
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), content)
    return content.getvalue()


def as_json(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def card(configs, column, names):
    classes = ", ".join(f"'{number}': '{name}'" for number, name in enumerate(names))
    data_files = "\n".join(
        f"- config_name: {config}\n  data_files:\n"
        + "\n".join(f"  - {{split: {split}, path: {config}/{split}-*}}" for split in splits)
        for config, splits in configs.items()
    )
    features = "\n".join(
        f"- config_name: {config}\n  features:\n  - {{name: tokens, sequence: string}}\n"
        f"  - {{name: {column}, sequence: {{class_label: {{names: {{{classes}}}}}}}}}"
        for config in configs
    )
    return f"---\nconfigs:\n{data_files}\ndataset_info:\n{features}\n---\n".encode()


ENTITIES = [
    {"tokens": ["Anton", "lebt", "in", "Wien"], "ner_tags": [1, 0, 0, 5]},
    {"tokens": ["Rio", "Grande"], "ner_tags": [6, 6]},
]
# The range of a multiword token has the label `_`.
TAGGED = [{"tokens": ["zum", "zu", "dem", "Haus"], "upos": [3, 2, 4, 0]}]
MORE = [{"tokens": ["Er"], "upos": [5]}]
DATASETS = {
    "unimelb-nlp/wikiann": {
        "README.md": card({"de": ["train", "validation", "test"]}, "ner_tags", NER_NAMES),
        "de/train-0.parquet": as_parquet(ENTITIES * 300),
        "de/validation-0.parquet": as_parquet(ENTITIES[:1]),
        "de/test-0.parquet": as_parquet(ENTITIES),
    },
    "universal-dependencies/universal_dependencies": {
        "README.md": card({"de_gsd": ["validation", "test"], "de_pud": ["test"]}, "upos", UPOS_NAMES),
        "de_gsd/validation-0.parquet": as_parquet(TAGGED),
        "de_gsd/test-0.parquet": as_parquet(TAGGED),
        "de_pud/test-0.parquet": as_parquet(MORE),
    },
    "me/texts": {"train.jsonl": as_json([{"words": ["Er", "!"], "tags": ["PRON", "PUNCT"]}])},
    "me/numbers": {"train.jsonl": as_json([{"tokens": ["Er", "!"], "upos": [0, 1]}])},
    "me/wrong": {
        "train.jsonl": as_json([{"tokens": ["a"], "upos": ["X"]}, {"tokens": ["a", "b"], "upos": ["X"]}]),
        "test.jsonl": as_json([{"tokens": ["a"], "upos": ["SUBST"]}]),
        "validation.jsonl": as_json([{"tokens": ["a", " "], "upos": ["X", "X"]}]),
    },
    "me/empty": {
        "train.jsonl": as_json([{"tokens": ["a"], "upos": ["X"]}, {"tokens": ["zum"], "upos": ["_"]}]),
        "test.jsonl": as_json([{"tokens": "a b", "upos": "X X"}]),
    },
    "me/strings": {"train.jsonl": as_json([{"tokens": "a b", "upos": "X X"}])},
}

WIKIANN = {"dataset": "unimelb-nlp/wikiann", "configs": {"de": ["de"]}, "labels": "ner_tags"}
UD = {
    "dataset": "universal-dependencies/universal_dependencies",
    "configs": {"de": ["de_gsd", "de_pud"], "fi": []},
    "labels": "upos",
}
OWN = {"configs": {"de": ["default"]}, "labels": "upos"}
ASKED = {
    "entities": ("ner", WIKIANN, "de", "test"),
    "many": ("ner", WIKIANN, "de", "train"),
    "entities, dev": ("ner", WIKIANN, "de", "dev"),
    "tags": ("pos", UD, "de", "test"),
    "tags, train": ("pos", UD, "de", "train"),
    "texts": ("pos", {"dataset": "me/texts", **OWN, "words": "words", "labels": "tags"}, "de", "train"),
    "numbers": ("pos", {"dataset": "me/numbers", **OWN, "label_names": ["PRON", "PUNCT"]}, "de", "train"),
    "numbers without names": ("pos", {"dataset": "me/numbers", **OWN}, "de", "train"),
    "too few names": ("pos", {"dataset": "me/numbers", **OWN, "label_names": ["PRON"]}, "de", "train"),
    "wrong length": ("pos", {"dataset": "me/wrong", **OWN}, "de", "train"),
    "wrong label": ("pos", {"dataset": "me/wrong", **OWN}, "de", "test"),
    "blank word": ("pos", {"dataset": "me/wrong", **OWN}, "de", "dev"),
    "no words": ("pos", {"dataset": "me/empty", **OWN}, "de", "train"),
    "no list": ("pos", {"dataset": "me/strings", **OWN}, "de", "train"),
    "another type": ("pos", {"dataset": "me/empty", **OWN}, "de", "test"),
    "no column": ("pos", {"dataset": "me/texts", **OWN}, "de", "train"),
    "no test": ("pos", {"dataset": "me/numbers", **OWN}, "de", "test"),
    "no split": ("pos", {"dataset": "me/numbers", **OWN, "splits": {"test": "testing"}}, "de", "test"),
    "no language": ("pos", UD, "fi", "test"),
    "no configuration": ("ner", {**WIKIANN, "configs": {"de": ["deu"]}}, "de", "test"),
    "no dataset": ("ner", {**WIKIANN, "dataset": "no/such"}, "de", "test"),
}
SCRIPT = """
import json
import sys

from bloodbank.downstream import HubData, get_task
from bloodbank.errors import UsageError

def ask(task, data, language, split):
    try:
        data = HubData(**{**data, "label_names": tuple(data.get("label_names", ()))})
        found = get_task(task).read(data, language, split)
    except UsageError as error:
        return str(error)
    return [[[one.words, one.labels] for one in found.sentences], found.notes, found.sentences[0].place]

before = "datasets" in sys.modules
print(json.dumps([before, {name: ask(*asked) for name, asked in json.loads(sys.argv[1]).items()}]))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    pytest.importorskip("datasets", reason="bloodbank[hub] is not installed")
    with serve_hub(DATASETS) as url:
        variables = os.environ | {"HF_ENDPOINT": url, "HF_HOME": str(tmp_path_factory.mktemp("home")), "no_proxy": "*",
                                  "HF_HUB_DISABLE_TELEMETRY": "1"}  # fmt: skip
        variables.pop("HF_HUB_OFFLINE", None)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps(ASKED)],
            env=variables,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    loaded, found = json.loads(done.stdout)
    assert not loaded  # the library is loaded when it is needed, not before
    return found


def test_entities_of_a_dataset(answers):
    sentences, notes, place = answers["entities"]
    assert sentences == [
        [["Anton", "lebt", "in", "Wien"], ["B-PER", "O", "O", "B-LOC"]],
        [["Rio", "Grande"], ["B-LOC", "I-LOC"]],
    ]
    assert notes == ["entities that began with I- and are read with B-: 1; sentences with such: 1"]
    assert place == "dataset unimelb-nlp/wikiann (de, test), row 0"
    assert len(answers["many"][0]) == 600  # more than the library gives at once
    assert len(answers["entities, dev"][0]) == 1


def test_treebanks_of_a_dataset_are_joined_and_ranges_left_out(answers):
    sentences, notes, _ = answers["tags"]
    assert sentences == [[["zu", "dem", "Haus"], ["ADP", "DET", "NOUN"]], [["Er"], ["VERB"]]]
    assert notes == [
        "joined: dataset universal-dependencies/universal_dependencies (de_gsd, test), "
        "dataset universal-dependencies/universal_dependencies (de_pud, test)",
        "left out because the label _ marks no word: 1",
    ]
    sentences, notes, _ = answers["tags, train"]
    assert len(sentences) == 1
    assert notes[0] == "train is absent: dev is used for training"


@pytest.mark.parametrize("name", ["texts", "numbers"])
def test_labels_as_texts_and_as_numbers(answers, name):
    assert answers[name][0] == [[["Er", "!"], ["PRON", "PUNCT"]]]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("numbers without names", "dataset me/numbers (default, train), row 0: label 0, but numbers have no names "
         "in this dataset. Give them as `label_names`."),
        ("too few names", "dataset me/numbers (default, train), row 0: label 1, but labels 0 to 0 have names. Give"),
        ("wrong length", "dataset me/wrong (default, train), row 1: 2 words and 1 labels; one text and one label"),
        ("wrong label", "dataset me/wrong (default, test), row 0: 'SUBST' is no label of the task. There are ADJ, ADP"),
        ("blank word", "dataset me/wrong (default, validation), row 0: the word is only white space (' ')."),
        ("no words", "dataset me/empty (default, train), row 1: a sentence without words."),
        ("no list", "dataset me/strings (default, train), row 0: columns 'tokens' and 'upos' must hold lists"),
        ("another type", "dataset me/empty (default, test), after 0 rows: cannot be read: Couldn't cast"),
        ("no column", "dataset me/texts (default, train): no column 'tokens'. There are: words, tags."),
        ("no test", "dataset me/numbers: de has no test split for pos. There is train. Without it nothing can be"),
        ("no split", "dataset me/numbers (default): none of the splits testing. There are train; name them in"),
        ("no language", "dataset universal-dependencies/universal_dependencies: no configuration for fi. Name one in "
         '`configs`, as in {"fi": ("fi",)}. There are those of de'),
        ("no configuration", "dataset unimelb-nlp/wikiann (deu): no configuration 'deu'. Did you mean de? There are"),
        ("no dataset", "dataset no/such (de): the hub has no such dataset, or it is private."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(answers, name, message):
    assert answers[name].startswith(message)


def test_languages_are_those_that_are_named():
    data = HubData("me/mine", {"fi": ("a",), "de": ("b",)}, "upos")
    assert PosTask().languages(data) == NerTask().languages(data) == ("de", "fi")


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UsageError, match=r"pip install 'bloodbank\[hub\]'"):
        PosTask().read(HubData("me/mine", {"de": ("default",)}, "upos"), "de", "test")
