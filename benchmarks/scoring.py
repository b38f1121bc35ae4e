"""Scoring against the paper's released evaluation: the ranking step alone, then the whole of it.

    python benchmarks/scoring.py --work runs/bench

The released evaluation sorts all logits of each masked piece (`np.argsort(-logits)`) and looks up where the gold piece
is; the same is tried with torch. The package counts the logits above the gold one, as many pieces at a time as where it
scores; it is compared with the sorting alone, without the look-up. All get the same logits; in whole scoring all get
the same weights and masked rows, transformers with its full head.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import setups
import torch
from reporting import finish, machine, n_cores, ratios, show_ratio, table, verdict
from texts import Text, generated_texts, real_texts

from bloodbank.mlm.files import bert_config
from bloodbank.mlm.loss import chunk_size
from bloodbank.mlm.masking import TestMasks, make_test_masks
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.scoring import rank_of_gold, score_models
from bloodbank.mlm.sequences import make_sequences, read_ids
from bloodbank.mlm.weights import new_stack
from bloodbank.randomness import generator, torch_generator

RANKING = ("ranking step", "threads", "masked pieces/s", "times the argsort (range over rounds)")
WHOLE = ("whole scoring", "models", "threads", "tokens/s", "times transformers (range over rounds)")
_SORT = "np.argsort (released)"
_THEIRS = "transformers, full head, released ranking"
TARGET = 20.0  # times the released evaluation's argsort
Timings = dict[str, list[float]]


def released_sort(logits: torch.Tensor, _gold: torch.Tensor) -> np.ndarray[Any, Any]:
    """Sort all pieces as the released evaluation does. Shape: [M, V]."""
    return np.argsort(-logits.numpy())


def released_rank(logits: torch.Tensor, gold: torch.Tensor) -> np.ndarray[Any, Any]:
    """Rank the gold piece as the released evaluation does: sort all, look the gold one up. Shape: [M]."""
    order = released_sort(logits, gold)
    return np.argwhere(gold.numpy()[:, None] == order)[:, -1] + 1


def sorted_rank(logits: torch.Tensor, gold: torch.Tensor) -> np.ndarray[Any, Any]:
    """Rank the gold piece in the same way with torch. Shape: [M]."""
    order = logits.argsort(-1, descending=True)
    return (order == gold[:, None]).nonzero()[:, 1].numpy() + 1


def counted_rank(logits: torch.Tensor, gold: torch.Tensor) -> np.ndarray[Any, Any]:
    """Rank the gold piece as the package does, a few pieces at a time. Shape: [M]."""
    size = chunk_size(1, logits.shape[1], logits.device)
    parts = zip(logits.split(size), gold.split(size), strict=True)
    return torch.cat([rank_of_gold(*part) for part in parts]).numpy()


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    head = machine()
    quick = chosen.quick
    ours = setups.preset("recommended", quick=quick)
    make = generated_texts if quick else real_texts
    vocab_size = setups.TINY_VOCABULARY if quick else chosen.vocab
    text = make(chosen.work, [chosen.language], vocab_size, ours.model.n_positions)[chosen.language]
    size = text.vocabulary.size
    logits = torch.randn(chosen.masked, size, generator=torch_generator("cpu", "logits"))
    gold = torch.randint(size, (chosen.masked,), generator=torch_generator("cpu", "gold"))
    ranking = time_ranking(logits, gold, chosen.rounds)
    masks = masks_of(text, ours.model.n_positions, chosen.rows)
    stack = new_stack(ours.model, size, tuple(range(chosen.models)), text.vocabulary.pad)
    whole, mrr = time_scoring(stack, masks, text, chosen.batch, chosen.rounds)
    n_tokens = int(masks.lengths.sum())
    lines = [
        "# Scoring", "", *head, f"- {chosen.rounds} rounds, alternating; medians", "",
        f"{chosen.masked:,} masked pieces, {size:,} logits each. {agreement(logits, gold)}", "",
        table(RANKING, rank_rows(ranking, chosen.masked)), "", rank_verdict(ranking), "",
        f"{len(masks.ids):,} rows, {n_tokens:,} tokens, {len(masks.gold):,} of them masked, {chosen.batch} rows at a "
        f"time, float32. MRR of the same model: {mrr[0]:.8f} here, {mrr[1]:.8f} with the others.", "",
        table(WHOLE, whole_rows(whole, n_tokens)),
    ]  # fmt: skip
    finish(lines, chosen.out, {"machine": head, "ranking_seconds": ranking, "whole_seconds": whole, "mrr": mrr})


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the tokenizer and the ids, which stay there"
    )
    parser.add_argument("--out", type=Path, help="write all numbers into this JSON file")
    parser.add_argument("--rounds", type=int, help="5 by default; 2 with --quick")
    parser.add_argument(
        "--masked", type=int, help="masked pieces whose ranks are timed: 600 by default; 50 with --quick"
    )
    parser.add_argument("--rows", type=int, help="test rows that are scored: 64 by default; 16 with --quick")
    parser.add_argument("--batch", type=int, default=32, help="rows at a time, on both sides (released: 128)")
    parser.add_argument("--models", type=int, default=4, help="models side by side, beside one alone")
    parser.add_argument("--language", default="de")
    parser.add_argument("--vocab", type=int, default=30_000, help="pieces")
    parser.add_argument("--quick", action="store_true", help="a tiny model on generated text, to try the benchmark out")
    chosen = parser.parse_args()
    for name, usual, quick in (("rounds", 5, 2), ("masked", 600, 50), ("rows", 64, 16)):
        setattr(chosen, name, getattr(chosen, name) or (quick if chosen.quick else usual))
    return chosen


def time_ranking(logits: torch.Tensor, gold: torch.Tensor, rounds: int) -> Timings:
    """Time each way of ranking with one thread and with all; keys `NAME|THREADS`, seconds of each round."""
    ways = {
        _SORT: released_sort, "the same and its look-up": released_rank, "torch.argsort and look-up": sorted_rank,
        "rank_of_gold": counted_rank,
    }  # fmt: skip
    return alternate(
        {f"{name}|{threads}": partial(way, logits, gold) for name, way in ways.items() for threads in thread_counts()},
        rounds,
    )


def thread_counts() -> list[int]:
    """Return the numbers of threads to measure with: a worker's, and all cores."""
    return sorted({1, n_cores()})


def alternate(ways: dict[str, Callable[[], Any]], rounds: int) -> Timings:
    """Time functions in turn, round after round, after one round that does not count; the key ends in `|THREADS`."""
    timings: Timings = {key: [] for key in ways}
    before = torch.get_num_threads()
    for number in range(rounds + 1):
        for key, way in ways.items():
            torch.set_num_threads(int(key.rpartition("|")[2]))
            started = time.perf_counter()
            way()
            if number:
                timings[key].append(time.perf_counter() - started)
    torch.set_num_threads(before)
    return timings


def agreement(logits: torch.Tensor, gold: torch.Tensor) -> str:
    """Say whether the ways of ranking agree where no other logit equals the gold one."""
    own = logits.gather(1, gold[:, None])
    alone = ((logits == own).sum(1) == 1).numpy()
    ranks = [way(logits, gold)[alone] for way in (released_rank, sorted_rank, counted_rank)]
    n_different = int((ranks[0] != ranks[2]).sum() + (ranks[1] != ranks[2]).sum())
    same = "all ranks agree" if n_different == 0 else f"{n_different} ranks DIFFER"
    return f"Of these {int(alone.sum()):,} have no other logit equal to the gold one, and there {same}."


def rank_rows(timings: Timings, n_masked: int) -> list[list[str]]:
    """Return the table of the ranking step; each is compared with the released sort on as many threads."""
    rows = []
    for key, seconds in timings.items():
        name, _, threads = key.partition("|")
        compared = ratios(speeds(seconds), speeds(timings[f"{_SORT}|{threads}"]))
        rows.append([name, threads, f"{n_masked * median(speeds(seconds)):,.0f}", show_ratio(compared)])
    return rows


def speeds(seconds: list[float]) -> list[float]:
    """Turn seconds into passes a second."""
    return [1.0 / one for one in seconds]


def rank_verdict(timings: Timings) -> str:
    """Say whether the target was met, with the released sort and ours on one thread: numpy's sort has only one."""
    value = ratios(speeds(timings["rank_of_gold|1"]), speeds(timings[f"{_SORT}|1"]))[0]
    return verdict("ranking, one thread, in times the released evaluation's argsort", value, TARGET)


def masks_of(text: Text, n_positions: int, n_rows: int) -> TestMasks:
    """Mask the first rows of the test text, in one round."""
    ids, offsets = read_ids(Path(text.test))
    rows = make_sequences(ids, offsets, text.vocabulary, "packed", n_positions)
    n_pieces = int(rows.take(np.arange(min(n_rows, rows.n_rows))).source.max()) + 1
    short = np.append(offsets[offsets < n_pieces], n_pieces)
    rows = make_sequences(ids[:n_pieces], short, text.vocabulary, "packed", n_positions)
    return make_test_masks(
        rows.all_rows(), short, np.ones(n_pieces, dtype=np.int64),
        mask_share=0.15, min_masked=1, corruption="mask", random=generator("benchmark masks"),
    )  # fmt: skip


def time_scoring(
    stack: BertStack, masks: TestMasks, text: Text, batch: int, rounds: int
) -> tuple[Timings, tuple[float, float]]:
    """Time whole scoring; keys `NAME|MODELS|THREADS`. Also return the MRR of the first model in both ways."""
    one = stack.select([0])
    reference = reference_model(one, text)
    theirs: Callable[[], float] = partial(score_with_transformers, reference, masks, batch)
    mrrs: list[float] = []

    def ours(models: BertStack) -> None:
        scores = score_models(models, masks, n_rows=batch)[0]
        mrrs.append(float("nan") if scores is None else float(scores.reciprocal_rank.mean()))

    ways: dict[str, Callable[[], Any]] = {}
    for threads in thread_counts():
        ways[f"{_THEIRS}|1|{threads}"] = theirs
        ways[f"bloodbank|1|{threads}"] = partial(ours, one)
        ways[f"bloodbank|{stack.n_models}|{threads}"] = partial(ours, stack)
    timings = alternate(ways, rounds)
    return timings, (mrrs[0], theirs())


def reference_model(stack: BertStack, text: Text) -> Any:
    """Build transformers' `BertForMaskedLM` with the weights of a stack of one."""
    from transformers import BertConfig, BertForMaskedLM

    config = {
        name: value for name, value in bert_config(stack.settings, text.vocabulary).items() if name != "model_type"
    }
    model = BertForMaskedLM(BertConfig(**config))
    model.load_state_dict({name: weight[0] for name, weight in stack.weights.items()}, strict=False)
    model.tie_weights()
    return model.eval()


@torch.no_grad()
def score_with_transformers(model: Any, masks: TestMasks, batch: int) -> float:
    """Score as people do: logits at all places, then the released ranking at the masked ones. Returns the MRR."""
    ranks = []
    for start in range(0, len(masks.ids), batch):
        begin, end = np.searchsorted(masks.row, [start, start + batch])
        lengths = masks.lengths[start : start + batch]
        length = int(lengths.max())
        present = torch.from_numpy((np.arange(length)[None] < lengths[:, None]).astype(np.int64))
        ids = torch.from_numpy(masks.ids[start : start + batch, :length])
        logits = model(input_ids=ids, attention_mask=present).logits
        chosen = logits[torch.from_numpy(masks.row[begin:end] - start), torch.from_numpy(masks.position[begin:end])]
        ranks.append(released_rank(chosen, torch.from_numpy(masks.gold[begin:end])))
    return float((1.0 / np.concatenate(ranks)).mean())


def whole_rows(timings: Timings, n_tokens: int) -> list[list[str]]:
    """Return the table of whole scoring: tokens of all models together."""
    rows = []
    for key, seconds in timings.items():
        name, models, threads = key.split("|")
        base = timings[f"{_THEIRS}|1|{threads}"]
        tokens = [int(models) * n_tokens / one for one in seconds]
        compared = ratios(tokens, [n_tokens / one for one in base])
        rows.append([name, models, threads, f"{median(tokens):,.0f}", show_ratio(compared)])
    return rows


if __name__ == "__main__":
    main()
