"""The main job from end to end: what it writes, and that nothing is lost or done twice."""

import json
import shutil
import signal
import time

import numpy as np
import pandas as pd
import pytest
import torch

import bloodbank as bb
from bloodbank.pipeline.folder import read_status
from generated import sentences
from small_run import LANGUAGES, finish, run_command, start_command, write_experiment


def bank_of(folder):
    """The bank file without what tells when and where it was made."""
    content = json.loads((folder / "bank.json").read_text(encoding="utf-8"))
    del content["provenance"]
    return content


def stamps(folder, stage="scores"):
    return {path.name: path.stat().st_mtime_ns for path in (folder / stage).iterdir()}


def test_it_writes_the_bank_the_tables_and_the_figures(finished):
    _, run, out, _ = finished
    for name in ("bank.json", "matrix.csv", "measurements.csv", "sentence_scores.parquet"):
        assert (run / name).stat().st_size > 0
        assert str(run / name) in out
    for name in ("heatmap", "plane"):
        assert (run / f"{name}.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")
        assert (run / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert not list(run.rglob(".*"))
    assert list((run / "locks").iterdir()) == []


def test_the_bank_holds_what_the_audit_says_of_each_language(finished):
    _, run, _, _ = finished
    covariates = bb.open(run).covariates
    audit = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    assert [one["code"] for one in audit["languages"]] == covariates.index.tolist()
    assert covariates["fertility"].tolist() == [one["fertility"] for one in audit["languages"]]
    # Of languages that no identifier knows there is no share: missing, never 0.
    assert all(
        isinstance(one["foreign"], str) or isinstance(one["foreign"]["by_char"], str) for one in audit["languages"]
    )
    assert covariates["foreign_share"].isna().all()


def test_scores_follow_from_the_two_tables(finished):
    _, run, _, _ = finished
    bank = bb.open(run)
    rows = bank.measurements[bank.measurements.metric == "mrr"].set_index(["protocol", "donor", "recipient"])
    own = rows.loc[("monolingual", "", "x-b"), "value"]
    pair = rows.loc[("sequential", "x-a", "x-b"), "value"]
    assert bank.finetune_scores.loc["x-a", "x-b"] == pytest.approx((pair - own) / own, rel=1e-12)
    assert bank.donation["x-a"] == pytest.approx(np.nansum(bank.finetune_scores.loc["x-a"]))
    assert bank.recipience["x-a"] == pytest.approx(np.nansum(bank.finetune_scores["x-a"]))
    units = pd.read_parquet(run / "sentence_scores.parquet")
    keys = ["protocol", "donor", "recipient", "seed", "metric"]
    totals = units.groupby(keys)[["sum", "count"]].sum()
    for row in bank.measurements.itertuples():
        total = totals.loc[(row.protocol, row.donor, row.recipient, row.seed, row.metric)]
        assert total["sum"] / total["count"] == pytest.approx(row.value, rel=1e-12)
        if row.metric == "mrr":
            assert total["count"] == row.n_masked
    both = rows.loc[("sequential", "x-a", "x-b")]
    assert both.tokens_seen > rows.loc[("monolingual", "", "x-b")].tokens_seen


def test_a_kept_model_scores_the_same_in_transformers(finished):
    """The whole chain again without our model and scorer: transformers, argsort, the stored masks."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    _, run, _, _ = finished
    folder = next((run / "models").glob("x-a_seed0-*"))
    masks = next((run / "masks").glob("x-a-*"))
    ids, lengths, row, position, gold = (
        torch.from_numpy(np.load(masks / f"{name}.npy").astype(np.int64))
        for name in ("ids", "lengths", "row", "position", "gold")
    )
    attention = torch.arange(ids.shape[1])[None] < lengths[:, None]
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(ids, attention_mask=attention.long()).logits[row, position]
    rank = 1 + (logits.argsort(1, descending=True) == gold[:, None]).int().argmax(1)
    table = bb.open(run).measurements.query("metric == 'mrr' and protocol == 'monolingual' and recipient == 'x-a'")
    assert (1 / rank).mean().item() == pytest.approx(table.value.item(), rel=1e-5)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.mask_token_id == 4
    assert tokenizer("a i a").input_ids[0] == tokenizer.cls_token_id


def test_a_second_call_does_nothing_and_finds_the_same(finished, finished_copy):
    path, run = finished_copy
    before, content = stamps(run), (run / "bank.json").read_text(encoding="utf-8")
    code, _, err = run_command("run", path, "--out", run)
    assert code == 0
    assert "models" not in err
    assert stamps(run) == before
    there, here = str(finished[0].parent), str(path.parent)  # the provenance names the experiment file
    assert (run / "bank.json").read_text(encoding="utf-8").replace(here, there) == content.replace(here, there)


@pytest.mark.proof
def test_killed_again_and_again_it_ends_with_the_same_bank(finished, tmp_path):
    _, run, _, _ = finished
    write_experiment(tmp_path)
    kept: dict[str, int] = {}
    for n_wanted in (1, 4, 7):
        process = start_command("run", tmp_path / "experiment.toml", "--out", tmp_path / "run")
        deadline = time.monotonic() + 120
        while len(list((tmp_path / "run").glob("scores/x*"))) < n_wanted and time.monotonic() < deadline:
            assert process.poll() is None or process.returncode == 0
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.5)  # its workers end by themselves
        now = {k: v for k, v in stamps(tmp_path / "run").items() if not k.startswith(".")}
        assert {name: now.get(name) for name in kept} == kept  # nothing finished is lost or redone
        kept = now
    code, _, err = run_command("run", tmp_path / "experiment.toml", "--out", tmp_path / "run")
    assert code == 0, err
    assert bank_of(tmp_path / "run") == bank_of(run)
    numbers = ["value", "standard_error", "n_masked", "updates", "tokens_seen", "health_z"]
    ours, theirs = (bb.open(folder).measurements[numbers] for folder in (tmp_path / "run", run))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    assert not [path for stage in ("models", "scores") for path in (tmp_path / "run" / stage).glob(".*")]


def test_interrupted_it_says_so_and_goes_on_later(finished, tmp_path):
    path = write_experiment(tmp_path)
    process = start_command("run", path, "--out", tmp_path / "run", "--workers", "1")
    while not list((tmp_path / "run").glob("scores/x*")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert run_command("run", path, "--out", tmp_path / "run")[0] == 0
    assert bank_of(tmp_path / "run") == bank_of(finished[1])


@pytest.mark.proof
def test_two_processes_share_one_folder(finished, tmp_path):
    path = write_experiment(tmp_path)
    processes = [start_command("run", path, "--out", tmp_path / "run") for _ in range(2)]
    results = [finish(process) for process in processes]
    assert [code for code, _, _ in results] == [0, 0], results
    assert bank_of(tmp_path / "run") == bank_of(finished[1])
    assert len(stamps(tmp_path / "run")) == 9


def test_other_settings_are_refused_and_update_redoes_only_what_depends(finished_copy):
    path, run = finished_copy
    path.write_text(path.read_text().replace('"alone"\n', '"alone"\nmin_masked = 50\n'), encoding="utf-8")
    before = stamps(run, "models"), stamps(run)
    code, _, err = run_command("run", path, "--out", run)
    assert code == 2
    assert "scoring.min_masked: 10000 → 50" in err
    assert "--update" in err
    assert (stamps(run, "models"), stamps(run)) == before
    code, _, err = run_command("run", path, "--out", run, "--update")
    assert code == 0, err
    assert stamps(run, "models") == before[0]  # monolingual models are only scored anew
    assert len(stamps(run)) == 18
    assert bb.open(run).measurements.n_masked.max() < 200


def test_adding_a_language_to_a_finished_run_trains_only_its_own_models(finished, finished_copy):
    path, run = finished_copy
    tokenizer = next((run / "tokenizer").iterdir())
    before = stamps(run)
    (path.parent / "x-d.txt").write_text("\n".join(sentences(300, seed=9)) + "\n", encoding="utf-8")
    text = path.read_text().replace("[tokenizer]", f'[tokenizer]\npath = "{tokenizer}"')
    path.write_text(text.replace('"x-c"]', '"x-c", "x-d"]'), encoding="utf-8")
    code, _, err = run_command("run", path, "--out", run)
    assert code == 0, err
    after = stamps(run)
    assert {name: after[name] for name in before} == before
    assert len(after) - len(before) == 1 + 2 * 3
    scores = bb.open(run).finetune_scores
    assert scores.loc["x-a", "x-b"] == bb.open(finished[1]).finetune_scores.loc["x-a", "x-b"]
    assert scores.notna().to_numpy().sum() == 12


def test_a_language_whose_script_the_tokenizer_does_not_know_is_refused(finished, tmp_path):
    _, run, _, _ = finished
    path = write_experiment(tmp_path)
    tokenizer = next((run / "tokenizer").iterdir())
    path.write_text(path.read_text().replace("[tokenizer]", f'[tokenizer]\npath = "{tokenizer}"'), encoding="utf-8")
    (tmp_path / "x-c.txt").write_text("\n".join(sentences(300, seed=3, letters="աբգդեզէըթժիլխծկհձղ")), encoding="utf-8")
    code, _, err = run_command("run", path, "--out", tmp_path / "run")
    assert code == 2
    assert "unknown to the tokenizer" in err


def test_models_that_are_not_kept_are_gone_and_not_missed(finished, tmp_path):
    path = write_experiment(tmp_path, grid='keep_models = "none"')
    assert run_command("run", path, "--out", tmp_path / "run")[0] == 0
    assert list((tmp_path / "run" / "models").iterdir()) == []
    before = stamps(tmp_path / "run")
    assert run_command("run", path, "--out", tmp_path / "run")[0] == 0
    assert stamps(tmp_path / "run") == before
    assert bank_of(tmp_path / "run")["finetune_scores"] == bank_of(finished[1])["finetune_scores"]


def test_keeping_all_models_gives_the_same_bank(finished, tmp_path):
    path = write_experiment(tmp_path, grid='keep_models = "all"')
    assert run_command("run", path, "--out", tmp_path / "run")[0] == 0
    assert len(list((tmp_path / "run" / "models").iterdir())) == 9
    assert bank_of(tmp_path / "run") == bank_of(finished[1])


def test_ragged_seeds_run_and_show(tmp_path):
    path = write_experiment(tmp_path, top='seeds = [0]\nmore_seeds = { "x-a" = [1], "x-b" = [1] }')
    bank = bb.run(path, tmp_path / "run")
    assert bank.n_seeds.loc["x-a", "x-b"] == 2
    assert bank.n_seeds.loc["x-a", "x-c"] == 1
    assert bank.seed_agreement().query("score == 'finetune_score'").n.tolist() == [2]


def test_status_tells_what_is_done(finished, finished_copy):
    _, run, _, _ = finished
    stages = {one.stage: one for one in read_status(run)}
    assert (stages["scores"].n_done, stages["scores"].n_wanted) == (9, 9)
    assert stages["scores"].seconds > 0
    assert (stages["models"].n_done, stages["models"].n_wanted) == (3, 3)
    assert stages["models"].n_bytes > 10_000
    code, out, _ = run_command("status", run)
    assert code == 0
    assert "Complete." in out
    _, copy = finished_copy
    shutil.rmtree(next((copy / "scores").glob("x-a_x-b_*")))
    assert {one.stage: one for one in read_status(copy)}["scores"].n_done == 8


def test_extra_languages_are_seen_by_the_tokenizer_only(tmp_path):
    path = write_experiment(tmp_path)
    digits = "\n".join(f"a {n} {n + 1} {n * 7}" for n in range(300))
    (tmp_path / "x-e.txt").write_text(digits + "\n", encoding="utf-8")
    text = path.read_text().replace("[tokenizer]", '[tokenizer]\nextra_languages = ["x-e"]')
    path.write_text(text.replace("[grid]", '[grid]\npairs = [["x-a", "x-b"]]'), encoding="utf-8")
    bank = bb.run(path, tmp_path / "run")
    assert bank.languages == tuple(LANGUAGES)
    pieces = json.loads(next((tmp_path / "run" / "tokenizer").iterdir()).joinpath("tokenizer.json").read_text())
    assert "7" in pieces["model"]["vocab"]
    assert not list((tmp_path / "run" / "tokens").glob("x-e*"))
