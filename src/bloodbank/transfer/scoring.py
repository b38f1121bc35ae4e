"""Scores of trained models on stored masks, written as measurements and sums per paragraph."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.experiment.load import Experiment
from bloodbank.store import Output, Store, write_json
from bloodbank.tokenizer import write_array
from bloodbank.transfer.tables import MEASUREMENT, provenance
from bloodbank.transfer.tasks import CANDIDATES, MASK_ARRAYS

if TYPE_CHECKING:
    from bloodbank.mlm.candidates import Candidates
    from bloodbank.mlm.masking import TestMasks
    from bloodbank.mlm.model import BertStack
    from bloodbank.mlm.scoring import PieceScores

_UNIGRAM = ("reciprocal_rank", "correct", "nll")


def score_gang(
    store: Store,
    stack: BertStack,
    experiment: Experiment,
    members: list[dict[str, Any]],
    phases: list[list[dict[str, Any]]],
) -> None:
    """Score the models of a stack for their cells; those of one recipient together, on the same masks.

    Args:
        store: The run folder.
        stack: Models, K of them.
        experiment: Settings.
        members: Their cells, with the masks and the output of each; what is there already is not written again.
        phases: How each was trained. Shape: [K].
    """
    from bloodbank.mlm.scoring import score_models

    for name in dict.fromkeys(cell["masks"] for member in members for cell in member["cells"]):
        started = time.perf_counter()
        words, masks, unigram = _read_masks(store.root / "masks" / name, stack)
        scored = [model for model, member in enumerate(members) if name in [c["masks"] for c in member["cells"]]]
        chosen = stack if len(scored) == stack.n_models else stack.select(scored)
        results = score_models(words.narrow(chosen), masks)
        seconds = (time.perf_counter() - started) / len(scored)
        for model, scores in zip(scored, results, strict=True):
            (cell,) = (cell for cell in members[model]["cells"] if cell["masks"] == name)
            if any(phase["diverged"] for phase in phases[model]):
                scores = None  # noqa: PLW2901 - a model whose loss was not finite has no score
            if not store.has(Output(**cell["output"])):
                record = _record(stack, cell, phases[model], seconds)
                _write_cell(
                    store, experiment, record, Output(**cell["output"]), masks=masks, unigram=unigram, scores=scores
                )


def _record(stack: BertStack, cell: dict[str, Any], phases: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    import torch

    from bloodbank.mlm.curves import Curve, convergence

    last = phases[-1]
    own_curve = cell["protocol"] != "zero_shot" and not last["diverged"]
    return {
        **{name: cell[name] for name in ("protocol", "donor", "recipient", "seed")},
        "phases": phases,
        "device": str(stack.device),
        "gang_size": len(last["gang"]),
        "threads": torch.get_num_threads(),
        "convergence": convergence(Curve(**last["curve"]), cell["recipient"]) if own_curve else "",
        "scoring_seconds": seconds,
    }


def _write_cell(
    store: Store,
    experiment: Experiment,
    record: dict[str, Any],
    output: Output,
    *,
    masks: TestMasks,
    unigram: PieceScores,
    scores: PieceScores | None,
) -> None:
    """Write one cell; without scores it is failed."""
    from bloodbank.mlm.scoring import METRICS, health_of, ratio_with_error, unit_sums

    record |= {"n_masked": len(masks.gold), "health": "failed", "health_z": None}
    record |= {"values": dict.fromkeys(METRICS), "errors": dict.fromkeys(METRICS)}
    record["unigram"] = {metric: ratio_with_error(*unit_sums(unigram, masks, metric))[0] for metric in METRICS}
    units: dict[str, Any] = {"unit": np.unique(masks.unit)}
    if scores is not None:
        record["health"], record["health_z"] = health_of(scores, unigram, masks)
        for metric in METRICS:
            sums, counts = unit_sums(scores, masks, metric)
            value, error = ratio_with_error(sums, counts)
            record["values"][metric], record["errors"][metric] = value, error if np.isfinite(error) else None
            units |= {f"{metric}.sum": sums, f"{metric}.count": counts}
    with store.write(output, provenance(settings=experiment.model_dump(mode="json"))) as folder:
        write_json(folder / MEASUREMENT, record)
        for name, array in units.items():
            write_array(folder / f"{name}.npy", array)


def _read_masks(folder: Path, stack: BertStack) -> tuple[Candidates, TestMasks, PieceScores]:
    """Read what a column is ranked over, its masks in numbers of these candidates, and the unigram's scores."""
    from bloodbank.mlm.candidates import Candidates
    from bloodbank.mlm.masking import TestMasks
    from bloodbank.mlm.scoring import PieceScores
    from bloodbank.mlm.shapes import WORDS

    n_all = stack.weights[WORDS].shape[1]
    chosen = folder / CANDIDATES
    words = Candidates(np.load(chosen).astype(np.int64) if chosen.exists() else np.arange(n_all), n_all)
    masks = TestMasks(**{name: np.load(folder / f"{name}.npy").astype(np.int64) for name in MASK_ARRAYS})
    return words, words.masks(masks), PieceScores(*(np.load(folder / f"unigram.{name}.npy") for name in _UNIGRAM))
