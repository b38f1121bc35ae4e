"""Results are made again where what they rest on has changed, or they have, and only there."""

import io
import json
import shutil
import subprocess
import sys
import threading

import pytest
from rich.console import Console

import bloodbank as bb
from bloodbank.pipeline import results
from bloodbank.pipeline.folder import RECORD, RESULTS
from bloodbank.store import hold


@pytest.fixture
def copied(finished, tmp_path):
    """The experiment file and a copy of its finished run."""
    path, run, _, _ = finished
    return path, shutil.copytree(run, tmp_path / "run")


def stamps(folder):
    return {name: (folder / name).stat().st_mtime_ns for name in RESULTS if (folder / name).exists()}


def changed(before, folder):
    return {name for name, stamp in stamps(folder).items() if before.get(name) != stamp}


def test_a_run_with_nothing_left_to_do_writes_no_result_and_imports_no_engine(copied):
    path, run = copied
    before = stamps(run)
    script = (
        "import sys, bloodbank as bb; bb.run(sys.argv[1], sys.argv[2]);"
        "print(sorted({'torch', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script, path, run], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert stamps(run) == before


def test_the_process_that_hands_out_the_training_imports_no_engine(copied):
    path, run = copied
    shutil.rmtree(next((run / "scores").glob("x-a_x-b_*")))
    script = (
        "import sys, bloodbank as bb; bb.run(sys.argv[1], sys.argv[2]);"
        "print(sorted({'torch', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script, path, run], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "9/9" in done.stderr
    assert list((run / "scores").glob("x-a_x-b_*"))


@pytest.mark.parametrize("name", ["heatmap.svg", "bank.json", "measurements.csv", "audit_sizes.png", "DATA_CARD.md"])
def test_a_result_that_was_deleted_or_edited_comes_back(copied, name):
    path, run = copied
    content, before = (run / name).read_bytes(), stamps(run)
    (run / name).unlink()
    bb.run(path, run)
    assert (run / name).read_bytes() == content
    again = changed(before, run)
    assert name in again
    assert len(again) < 0.6 * len(before)  # those that are made together with it
    (run / name).write_bytes(content + b" ")
    bb.run(path, run)
    assert (run / name).read_bytes() == content


def test_scores_that_were_made_again_have_results_of_their_own(copied):
    path, run = copied
    provenance = next((run / "scores").glob("x-a_x-b_*")) / "provenance.json"
    content = json.loads(provenance.read_text())
    provenance.write_text(json.dumps(content | {"versions": content["versions"] | {"torch": "0.0"}}))
    before = stamps(run)
    bank = bb.run(path, run)
    assert "0.0" in bank.provenance["versions"]["torch"]
    assert {"measurements.csv", "bank.json", "heatmap.png"} <= changed(before, run)
    assert "audit.json" not in changed(before, run)


def test_other_code_makes_all_results_again(copied, monkeypatch):
    path, run = copied
    before = stamps(run)
    monkeypatch.setattr(results, "_code_version", lambda: "another")
    bb.run(path, run)
    assert changed(before, run) == before.keys()


def test_what_a_killed_run_had_begun_is_made_again_and_what_it_had_finished_is_not(copied, monkeypatch):
    path, run = copied
    monkeypatch.setattr(results, "_code_version", lambda: "another")

    def kill(*_):
        (run / "plane.svg").write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("bloodbank.figures.run_figures.draw_plane", kill)
        with pytest.raises(KeyboardInterrupt):
            bb.run(path, run)
    before = stamps(run)
    bb.run(path, run)
    again = changed(before, run)
    assert {"plane.svg", "plane.png", "curves.svg"} <= again
    assert not {"bank.json", "measurements.csv", "audit.json"} & again


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"bank": {"key": "0"}}'])
def test_a_record_that_is_damaged_is_no_reason_to_fail(copied, content):
    path, run = copied
    (run / RECORD).write_text(content)
    before = stamps(run)
    bb.run(path, run)
    assert changed(before, run) == before.keys()


def test_results_that_another_process_writes_are_waited_for(copied):
    path, run = copied
    (run / "heatmap.png").unlink()
    console = Console(record=True, file=io.StringIO())
    thread = threading.Thread(target=bb.run, args=(path, run), kwargs={"console": console})
    with hold(run / "locks" / "results.lock"):
        thread.start()
        thread.join(3.0)
        assert thread.is_alive()
        assert not (run / "heatmap.png").exists()
    thread.join(60.0)
    assert not thread.is_alive()
    assert (run / "heatmap.png").exists()
    assert "results are being written by process" in console.export_text()
    assert list((run / "locks").iterdir()) == []
