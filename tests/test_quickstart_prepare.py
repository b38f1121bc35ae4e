"""The quickstart's corpus, made from a wheel of a few messages; nothing is downloaded."""

import hashlib
import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "examples" / "quickstart" / "prepare.py"

# component, language, messages: what a wheel holds, in small.
MESSAGES = {
    ("alarm", "en"): {
        "config": {
            "abort": {"failed": "Failed to connect now", "known": "Device is already configured"},
            "step": {"text": "Two\nlines and\ta [link](https://example.org/a) here"},
        },
        "label": "Box",
        "longlabel": "Donaudampfschiff",
        "brand": "Google Assistant SDK",
        "number": 3,
    },
    ("alarm", "de"): {
        "config": {
            "abort": {"failed": "Verbindung fehlgeschlagen", "known": "Gerät ist bereits konfiguriert"},
            "step": {"text": "Zwei\u2028Zeilen  und ![Bild](/b.png) ein [Verweis](https://example.org/a)"},
        },
        "brand": "google  assistant SDK.",
    },
    ("alarm", "fi"): {"config": {"abort": {"failed": "[%key:common::failed%]", "known": "Failed to connect now"}}},
    ("alarm", "tr"): {"config": {"abort": {"known": "Uygun deg\u0306il bu cihaz"}}},
    ("zone", "en"): {
        "again": "failed to  CONNECT now!",
        "battery1": "Battery level of cell 1",
        "battery2": "Battery level of cell 2",
        "other": "The connection has failed",
    },
    ("zone", "de"): {"other": "Verbindung fehlgeschlagen", "only": "Nur auf Deutsch vorhanden"},
    **{("zone", code): {"label": "Box"} for code in ("fr", "hu", "ru")},
    ("zone", "es"): {"again": "No se pudo conectar ahora", "battery2": "Nivel de la batería 2"},
}


@pytest.fixture
def prepare(monkeypatch):
    spec = importlib.util.spec_from_file_location("quickstart_prepare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def no_pip(*arguments, **options):
        raise AssertionError("a test must not download")

    monkeypatch.setattr(module.subprocess, "run", no_pip)
    return module


@pytest.fixture
def wheel(prepare, monkeypatch, tmp_path):
    path = tmp_path / prepare.WHEEL_NAME
    with zipfile.ZipFile(path, "w") as archive:
        for (component, language), tree in MESSAGES.items():
            archive.writestr(f"homeassistant/components/{component}/translations/{language}.json", json.dumps(tree))
        archive.writestr("homeassistant/components/zone/translations/sensor.en.json", '{"a": "Of no concern at all"}')
        archive.writestr("homeassistant/components/zone/translations/nl.json", '{"a": "Geen taal van het corpus"}')
        archive.writestr("homeassistant/components/zone/strings.json", '{"a": "Not a translation at all"}')
    monkeypatch.setattr(prepare, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


@pytest.fixture
def corpus(prepare, wheel, tmp_path):
    assert prepare.main(["--wheel", str(wheel), "--out", str(tmp_path / "corpus")]) == 0
    lines = {path.stem: path.read_text(encoding="utf-8").split("\n") for path in (tmp_path / "corpus").glob("*.txt")}
    assert {last for *_, last in lines.values()} == {""}  # every line is ended
    return {code: all_but_last for code, (*all_but_last, _) in lines.items()}


def test_lines_are_the_same_message_in_every_language(corpus):
    assert set(corpus) == {"de", "en", "es", "fi", "fr", "hu", "ru", "tr"}
    # By key: alarm.brand, alarm.config.abort.failed (with zone.again, zone.other), alarm.config.abort.known,
    # alarm.config.step.text, zone.battery2 (with battery1), zone.only.
    assert corpus["en"] == [
        "Google Assistant SDK",
        "Failed to connect now",
        "Device is already configured",
        "Two lines and a link here",
        "Battery level of cell 2",
        "",
    ]
    assert corpus["de"] == [
        "",
        "Verbindung fehlgeschlagen",
        "Gerät ist bereits konfiguriert",
        "Zwei Zeilen und ein Verweis",
        "",
        "Nur auf Deutsch vorhanden",
    ]
    assert corpus["es"] == ["", "", "", "", "Nivel de la batería 2", ""]
    assert corpus["tr"] == ["", "", "Uygun değil bu cihaz", "", "", ""]
    assert corpus["hu"] == corpus["ru"] == corpus["fr"] == [""] * 6


def test_other_languages_may_be_named_and_english_is_among_them(prepare, wheel, tmp_path, capsys):
    call = ["--wheel", str(wheel), "--out", str(tmp_path / "few"), "--languages", "nl,de"]
    assert prepare.main(call) == 0
    assert {path.name for path in (tmp_path / "few").glob("*.txt")} == {"de.txt", "en.txt", "nl.txt"}
    assert "Geen taal van het corpus" in (tmp_path / "few" / "nl.txt").read_text(encoding="utf-8")
    assert prepare.main(call) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert prepare.main([*call[:-1], "xx"]) == 1
    assert "has no messages in xx" in capsys.readouterr().err


def test_english_in_another_language_is_dropped_wherever_it_comes_from(corpus):
    assert not any(corpus["fi"])  # one message is a reference, the other the English text of another key
    assert "google" not in " ".join(corpus["de"]).lower()


def test_no_text_stands_on_two_lines(corpus):
    for lines in corpus.values():
        texts = [line.casefold() for line in lines if line]
        assert len(texts) == len(set(texts))
    # German calls both "Verbindung fehlgeschlagen", so only one of the English two is left.
    assert "The connection has failed" not in corpus["en"]


def test_labels_and_other_files_are_left_out(corpus):
    text = "\n".join(line for lines in corpus.values() for line in lines)
    for absent in (
        "Box",
        "Donaudampfschiff",
        "Of no concern",
        "Geen taal",
        "Not a translation",
        "[%",
        "https:",
    ):
        assert absent not in text


def test_the_source_is_named_and_a_table_printed(prepare, corpus, tmp_path, capsys):
    note = (tmp_path / "corpus" / "SOURCE.md").read_text(encoding="utf-8")
    for named in (
        "homeassistant==2024.3.3",
        prepare.WHEEL_SHA256,
        "Apache-2.0",
        "| de       |        4 |        107 |",
    ):
        assert named in note
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]  # no temporary folder is left


def test_a_second_run_does_nothing_and_says_so(prepare, wheel, corpus, tmp_path, capsys):
    out = tmp_path / "corpus"
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    wheel.unlink()  # not even read
    capsys.readouterr()
    assert prepare.main(["--wheel", str(wheel), "--out", str(out)]) == 0
    assert "already prepared" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_a_damaged_or_older_corpus_is_made_again(prepare, wheel, corpus, tmp_path, monkeypatch):
    out = tmp_path / "corpus"
    right = (out / "de.txt").read_bytes()
    (out / "de.txt").write_text("something else\n", encoding="utf-8")
    assert prepare.main(["--wheel", str(wheel), "--out", str(out)]) == 0
    assert (out / "de.txt").read_bytes() == right
    monkeypatch.setattr(prepare, "VERSION", "2")
    assert not prepare.is_done(out, prepare.LANGUAGES)
    assert prepare.main(["--wheel", str(wheel), "--out", str(out)]) == 0
    assert prepare.is_done(out, prepare.LANGUAGES)


def test_a_folder_of_the_users_is_left_alone(prepare, wheel, tmp_path, capsys):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("precious", encoding="utf-8")
    assert prepare.main(["--wheel", str(wheel), "--out", str(out)]) == 1
    assert (
        capsys.readouterr().err == f"Error: {out} holds something else; name another folder with --out, or remove it\n"
    )
    assert (out / "thesis.txt").read_text(encoding="utf-8") == "precious"


def test_another_wheel_is_refused_and_kept(prepare, tmp_path, capsys):
    other = tmp_path / "other.whl"
    other.write_bytes(b"other")
    assert prepare.main(["--wheel", str(other), "--out", str(tmp_path / "corpus")]) == 1
    error = capsys.readouterr().err
    assert f"its SHA-256 is {hashlib.sha256(b'other').hexdigest()}, expected {prepare.WHEEL_SHA256}" in error
    assert error.count("\n") == 1
    assert other.exists()
    assert not (tmp_path / "corpus").exists()


def test_a_damaged_download_is_deleted(prepare, tmp_path, capsys):
    cached = tmp_path / prepare.WHEEL_NAME
    cached.write_bytes(b"half a wheel")
    assert prepare.main(["--cache", str(tmp_path), "--out", str(tmp_path / "corpus")]) == 1
    assert "It was deleted; run this again" in capsys.readouterr().err
    assert not cached.exists()


def test_a_download_already_there_is_used(prepare, wheel, tmp_path):
    assert prepare.main(["--cache", str(tmp_path), "--out", str(tmp_path / "corpus")]) == 0


def test_a_failed_download_says_what_pip_said_and_what_to_do(prepare, tmp_path, monkeypatch, capsys):
    def failing_pip(command, **options):
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        assert {"--no-deps", "homeassistant==2024.3.3"} <= set(command)
        return subprocess.CompletedProcess(command, 1, stdout="", stderr="WARNING: retrying\nERROR: no network\n")

    monkeypatch.setattr(prepare.subprocess, "run", failing_pip)
    assert prepare.main(["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "corpus")]) == 1
    error = capsys.readouterr().err
    assert "it said: ERROR: no network" in error
    assert "name it with --wheel" in error


def test_a_wheel_that_is_no_zip_is_named(prepare, tmp_path, monkeypatch, capsys):
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"no zip")
    monkeypatch.setattr(prepare, "WHEEL_SHA256", hashlib.sha256(b"no zip").hexdigest())
    assert prepare.main(["--wheel", str(broken), "--out", str(tmp_path / "corpus")]) == 1
    assert f"Error: {broken} cannot be read as a wheel" in capsys.readouterr().err


def test_a_disk_error_and_a_missing_wheel_are_one_line(prepare, wheel, tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert prepare.main(["--wheel", str(wheel), "--out", str(tmp_path / "file" / "corpus")]) == 1
    assert prepare.main(["--wheel", str(tmp_path / "none.whl"), "--out", str(tmp_path / "corpus")]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("Error: ")
    assert "there is no wheel at" in second
