"""The functions that workers run: each makes one output of the run folder from others, by name.

They get plain values (the experiment as a dict, names of folders) so that a task can be carried out anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.corpus import build_corpus, cut_corpus, open_source, read_part, read_summary
from bloodbank.corpus.build import Preparer
from bloodbank.corpus.parallel import Pivot
from bloodbank.corpus.translations import build_apart
from bloodbank.experiment.load import Experiment
from bloodbank.randomness import generator
from bloodbank.store import Output, Store, write_json
from bloodbank.tokenizer import (
    Vocabulary,
    check_budget,
    check_known,
    copy_tokenizer,
    load_tokenizer,
    train_tokenizer,
    write_array,
    write_ids,
)
from bloodbank.transfer.candidates import candidates_of, count_pieces
from bloodbank.transfer.plan import pivot_language
from bloodbank.transfer.tables import provenance

if TYPE_CHECKING:
    from bloodbank.mlm.sequences import Ints, Text
    from bloodbank.mlm.training import Report

CANDIDATES = "candidates.npy"  # beside masks, where a column is not ranked over all pieces
MASK_ARRAYS = ("ids", "lengths", "row", "position", "gold", "unit", "n_bytes")


def pivot(store: Store, output: Output, _report: Report, settings: dict[str, Any], language: str) -> None:
    """Find what marks places in the text in which a stretch is chosen."""
    chosen = Experiment.model_validate(settings).corpus
    found = Pivot.of(open_source(chosen.source_of(language), language), language, Preparer(chosen, language))
    with store.write(output, provenance(corpus=settings["corpus"])) as folder:
        found.write(folder)


def corpus(
    store: Store,
    output: Output,
    _report: Report,
    settings: dict[str, Any],
    language: str,
    *,
    parts: list[str],
    pivot: str | None,
) -> None:
    """Cut one language's text: train, dev and test, or other text for the control `self`."""
    experiment = Experiment.model_validate(settings)
    chosen, extra = experiment.corpus.source_of(language), language not in experiment.languages
    source = open_source(chosen, language)
    with store.write(output, provenance(corpus=settings["corpus"], source=chosen.model_dump())) as folder:
        build_corpus(
            source, language, experiment.corpus, folder, wanted=tuple(parts), only_train=extra,
            pivot=_read_pivot(store, experiment, pivot),
        )  # fmt: skip


def apart(
    store: Store,
    output: Output,
    _report: Report,
    settings: dict[str, Any],
    language: str,
    *,
    drafts: dict[str, str],
    pivot: str | None,
) -> None:
    """Cut one language's text again, without what translates the test text of another."""
    experiment = Experiment.model_validate(settings)
    folders = {one: store.root / "corpus" / name for one, name in drafts.items()}
    with store.write(output, provenance(corpus=settings["corpus"], drafts=drafts)) as folder:
        build_apart(
            lambda: open_source(experiment.corpus.source_of(language), language),
            language, experiment.corpus, folders, folder, pivot=_read_pivot(store, experiment, pivot),
        )  # fmt: skip


def _read_pivot(store: Store, experiment: Experiment, name: str | None) -> Pivot | None:
    return Pivot.read(store.root / "corpus" / name, pivot_language(experiment)) if name else None


def cut(store: Store, output: Output, _report: Report, settings: dict[str, Any], text: str, others: list[str]) -> None:
    """Cut one language's text to what the smallest of the bank's languages has."""
    experiment = Experiment.model_validate(settings)
    smallest: dict[str, int] = {}
    for name in others:
        summary = read_summary(store.root / "corpus" / name)
        for part in summary["n_chars"]:
            in_bytes = part == "train" and experiment.corpus.budget_bytes is not None
            size = summary["n_bytes" if in_bytes else "n_chars"][part]
            smallest[part] = min(size, smallest.get(part, size))
    with store.write(output, provenance(corpus=settings["corpus"], corpora=others)) as folder:
        cut_corpus(store.root / "corpus" / text, smallest, experiment.corpus, folder)


def tokenizer(store: Store, output: Output, _report: Report, settings: dict[str, Any], corpora: list[str]) -> None:
    """Train the shared tokenizer, or take over the one that was given."""
    chosen = Experiment.model_validate(settings).tokenizer
    with store.write(output, provenance(tokenizer=settings["tokenizer"], corpora=corpora)) as folder:
        if chosen.path:
            copy_tokenizer(Path(chosen.path), folder)
        else:
            train_tokenizer(
                lambda: chain.from_iterable(read_part(store.root / "corpus" / name, "train") for name in corpora),
                chosen,
                folder,
            )
        load_tokenizer(folder)  # fails here, and not in the first model, where a special piece is missing


def encode(
    store: Store, output: Output, _report: Report, settings: dict[str, Any], inputs: list[str], parts: list[str]
) -> None:
    """Write the token ids of the parts of one language's text, training text up to the budget of pieces."""
    text, tokenizer_name = inputs
    chosen = Experiment.model_validate(settings).corpus
    pieces, vocabulary = load_tokenizer(store.root / "tokenizer" / tokenizer_name)
    source, label = store.root / "corpus" / text, text.rpartition("-")[0]
    example = read_summary(source)["example"]
    encoded = pieces.encode(example, add_special_tokens=False)
    summary: dict[str, Any] = {
        "example": {"raw": example, "pieces": encoded.tokens, "decoded": pieces.decode(encoded.ids)},
    }
    with store.write(output, provenance(corpus=text, tokenizer=tokenizer_name)) as folder:
        for part in parts:
            limit = None if part in ("dev", "test") else chosen.budget_tokens
            summary[part] = write_ids(read_part(source, part), pieces, vocabulary, folder / part, limit=limit)
            check_known(summary[part], label, part)
            if limit and chosen.too_little == "fail":
                check_budget(summary[part], label, part, limit)
        write_json(folder / "tokens.json", summary)


def masks(
    store: Store, output: Output, _report: Report, settings: dict[str, Any], language: str, inputs: list[str]
) -> None:
    """Make the masks on one language's test text, and the unigram's scores on them."""
    from bloodbank.mlm.masking import make_test_masks
    from bloodbank.mlm.scoring import score_unigram
    from bloodbank.mlm.sequences import read_ids

    experiment = Experiment.model_validate(settings)
    tokens = store.root / "tokens" / inputs[0]
    _, vocabulary = load_tokenizer(store.root / "tokenizer" / inputs[1])
    _, offsets = read_ids(tokens / "test")
    own = {"tokens": inputs[0], "dev": inputs[0], "part": "train", "respelled": False}
    words = candidates_of(store, experiment, vocabulary, [own])
    made = make_test_masks(
        words.rows(sequences_of(tokens, "test", vocabulary, experiment)).all_rows(),
        offsets,
        np.load(tokens / "test.bytes.npy"),
        mask_share=experiment.scoring.mask_share,
        min_masked=experiment.scoring.min_masked,
        corruption=experiment.scoring.corruption,
        random=generator("test masks", language),
    )
    counts = count_pieces(tokens, "train", vocabulary).astype(np.float64)
    counts[list(vocabulary.special)] = 0.0
    unigram = score_unigram(made, counts[words.pieces])
    made = replace(made, ids=words.pieces[made.ids], gold=words.pieces[made.gold])
    with store.write(output, provenance(scoring=settings["scoring"], tokens=inputs[0])) as folder:
        if not words.are_all:
            write_array(folder / CANDIDATES, words.pieces.astype(np.int32))
        for name in MASK_ARRAYS:
            write_array(folder / f"{name}.npy", getattr(made, name).astype(np.int32))
        for name in ("reciprocal_rank", "correct", "nll"):
            write_array(folder / f"unigram.{name}.npy", getattr(unigram, name))


def sequences_of(
    tokens: Path,
    part: str,
    vocabulary: Vocabulary,
    experiment: Experiment,
    change: Callable[[Ints], Ints] = lambda ids: ids,
) -> Text:
    """Lay a part of a text out in rows, its pieces changed first where a control asks for it."""
    from bloodbank.mlm.sequences import make_sequences, read_ids

    ids, offsets = read_ids(tokens / part)
    ids = change(ids)
    return make_sequences(ids, offsets, vocabulary, experiment.training.layout, experiment.model.n_positions)
