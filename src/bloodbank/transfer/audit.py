"""The tasks of the audit: the text of each language, with its pieces, and then all of them together.

Writes `audit.json` of one language or of all, and beside it what the comparison of languages needs.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.corpus import open_source, read_part
from bloodbank.corpus.audit.one_language import audit_language as audit_one
from bloodbank.corpus.audit.record import Audit, LanguageAudit, Tokens, vocabulary_shares
from bloodbank.corpus.overlap import compare, fingerprint, read_fingerprint, write_fingerprint
from bloodbank.corpus.translations import Sketch, find_translations, sketch
from bloodbank.experiment.load import Experiment
from bloodbank.mlm.sequences import read_ids
from bloodbank.store import AUDIT_FILE, Output, Store
from bloodbank.tokenizer import load_tokenizer, write_array
from bloodbank.transfer.plan import Plan
from bloodbank.transfer.tables import OVERLAP_FILE, TRANSLATIONS_FILE, provenance
from bloodbank.transfer.tasks import sequences_of

if TYPE_CHECKING:
    import pandas as pd
    from tokenizers import Tokenizer

    from bloodbank.mlm.training import Report

_USED = "used.npy"
_STAGES = ("corpus", "tokens", "tokenizer")


def audit_language(
    store: Store,
    output: Output,
    _report: Report,
    settings: dict[str, Any],
    language: str,
    inputs: list[str],
    *,
    full: bool,
) -> None:
    """Audit the text of one language."""
    experiment = Experiment.model_validate(settings)
    text, tokens, tokenizer = (store.root / stage / name for stage, name in zip(_STAGES, inputs, strict=True))
    pieces, vocabulary = load_tokenizer(tokenizer)

    def count_pieces(sentences: Any) -> list[int]:
        return [len(encoding.ids) for encoding in pieces.encode_batch(list(sentences), add_special_tokens=False)]

    ids, offsets = read_ids(tokens / "train")
    train = _encoded(list(read_part(text, "train")), offsets, pieces)
    counts = np.bincount(ids, minlength=vocabulary.size)
    n_rows = sequences_of(tokens, "train", vocabulary, experiment).n_rows
    audit = audit_one(
        text,
        open_source(experiment.corpus.source_of(language), language),
        experiment.corpus,
        language,
        tokens=Tokens(
            n_tokens=len(ids),
            n_unique=int(np.count_nonzero(counts)),
            n_unknown=int(counts[vocabulary.unk]),
            updates_per_epoch=-(-n_rows // experiment.training.batch_size),
        ),
        count_pieces=count_pieces,
        train=train,
        full=full,
    )
    with store.write(output, provenance(corpus=inputs[0], tokens=inputs[1], full=full)) as folder:
        (folder / AUDIT_FILE).write_text(audit.model_dump_json(indent=1) + "\n", encoding="utf-8")
        write_array(folder / _USED, counts[vocabulary.ordinary] > 0)
        for part, lines in (("train", train), ("test", read_part(text, "test"))):
            kept = list(lines)
            write_fingerprint(fingerprint(kept), folder / part)
            sketch(kept).write(folder, part)


def _encoded(lines: list[str], offsets: Any, pieces: Tokenizer) -> list[str]:
    """Return the paragraphs of which there are pieces: a budget in pieces leaves out the end of the text."""
    kept = lines[: len(offsets) - 1]
    if kept:
        last, n_pieces = pieces.encode(kept[-1], add_special_tokens=False), int(offsets[-1] - offsets[-2])
        if n_pieces < len(last.ids):
            kept[-1] = kept[-1][: last.offsets[n_pieces - 1][1]]
    return kept


def audit_all(store: Store, output: Output, _report: Report, settings: dict[str, Any], audits: list[str]) -> None:
    """Put the audits of all languages together, and compare their texts and vocabularies."""
    experiment = Experiment.model_validate(settings)
    folders = [store.root / "audit" / name for name in audits]
    parts = [LanguageAudit.model_validate_json((folder / AUDIT_FILE).read_text(encoding="utf-8")) for folder in folders]
    used = {part.code: np.load(folder / _USED) for part, folder in zip(parts, folders, strict=True)}
    shares = vocabulary_shares(used)
    codes = [part.code for part in parts]
    overlaps, translated = _overlaps(codes, folders), _translations(codes, folders)
    corpus = experiment.corpus
    budgets = {"tokens": corpus.budget_tokens, "bytes": corpus.budget_bytes, "characters": corpus.budget_chars}
    unit, budget = next((unit, budget) for unit, budget in budgets.items() if budget is not None)
    whole = Audit(
        name=experiment.name,
        budget=budget,
        budget_unit=unit,
        sampling=corpus.sampling,
        seed=corpus.seed,
        vocab_size=len(next(iter(used.values()))),
        languages=tuple(_with_shares(part, shares[part.code]) for part in parts),
        overlap={
            code: dict(zip(own["train"], own["paragraphs"], strict=True)) for code, own in overlaps.groupby("test")
        },
        translations={
            code: dict(zip(own["train"], own["share"], strict=True)) for code, own in translated.groupby("test")
        },
    )
    with store.write(output, provenance(audits=audits)) as folder:
        overlaps.to_csv(folder / OVERLAP_FILE, index=False, lineterminator="\n")
        translated.to_csv(folder / TRANSLATIONS_FILE, index=False, lineterminator="\n")
        (folder / AUDIT_FILE).write_text(whole.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_audit(plan: Plan, store: Store) -> Audit | None:
    """Return the audit of a plan's corpora, where it was made."""
    if plan.audit is None or not store.has(plan.audit):
        return None
    return Audit.model_validate_json((store.path(plan.audit) / AUDIT_FILE).read_text(encoding="utf-8"))


def _with_shares(audit: LanguageAudit, shares: tuple[float, float]) -> LanguageAudit:
    if not isinstance(audit.tokens, Tokens):
        return audit
    changed = {"vocabulary_share": shares[0], "exclusive_share": shares[1]}
    return audit.model_copy(update={"tokens": audit.tokens.model_copy(update=changed)})


def _overlaps(codes: list[str], folders: list[Path]) -> pd.DataFrame:
    """Compare the test text of each language with the training text of each, one training text at a time."""
    import pandas as pd

    tests = {code: read_fingerprint(folder / "test") for code, folder in zip(codes, folders, strict=True)}
    rows = []
    for code, folder in zip(codes, folders, strict=True):
        train = read_fingerprint(folder / "train")
        rows += [{"test": other, "train": code, **asdict(compare(test, train))} for other, test in tests.items()]
    return pd.DataFrame(rows)


def _translations(codes: list[str], folders: list[Path]) -> pd.DataFrame:
    """Look for the test text of each language, translated, in the training text of each other, one at a time."""
    import pandas as pd

    tests = {code: Sketch.read(folder, "test") for code, folder in zip(codes, folders, strict=True)}
    rows = []
    for code, folder in zip(codes, folders, strict=True):
        train = Sketch.read(folder, "train")
        for other, test in tests.items():
            if other == code:
                continue
            leak = find_translations(test, train)
            rows.append(
                {
                    "test": other, "train": code, "share": leak.share, "score": round(leak.score, 2),
                    "chance": round(leak.chance, 2), "n_paragraphs": leak.n_paragraphs,
                    "train_paragraphs": sum(last + 1 - first for first, last in leak.train_lines),
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["test", "train", "share", "score", "chance", "n_paragraphs", "train_paragraphs"])
