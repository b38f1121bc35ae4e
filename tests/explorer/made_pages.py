"""Small banks for the tests of the explorer, and what the page makes of them.

from explorer.made_pages import page_data_of, small_bank
"""

import dataclasses
import functools
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.importing.read_matrix import MatrixWarning, read_matrix
from bloodbank.explorer.content import page_data
from bloodbank.languages import all_languages
from made_up_banks import CODES, measurements_of, sentence_scores


def small_bank(codes=CODES, **options):
    """A bank with its measurements and intervals, by the first metric; made once, so do not change its tables.

    Options: `metrics`, `seeds`, `name`, `protocol`, `paragraphs` (whether there are sentence scores), `random`;
    `without` are (donor, recipient) that were not measured, `unhealthy` those whose model is in every seed; a donor ""
    is the recipient's own model. Other options are those of `build_bank`.
    """
    return _made_bank(codes, **options) if options or codes is not CODES else _usual_bank()


@functools.cache
def _usual_bank():
    return _made_bank(CODES)


def _made_bank(
    codes, *, metrics=("mrr",), seeds=(0, 1, 2), without=(), unhealthy=(), name="small", protocol="sequential",
    paragraphs=True, random=0, **settings,
):  # fmt: skip
    scores = pd.concat(
        [
            sentence_scores(codes, seeds=seeds, metric=metric, protocol=protocol, random=random + place)
            for place, metric in enumerate(metrics)
        ],
        ignore_index=True,
    )
    pairs = list(zip(scores["donor"], scores["recipient"], strict=True))
    scores = scores[[pair not in without for pair in pairs]].reset_index(drop=True)
    rows = measurements_of(scores)
    sick = [pair in unhealthy for pair in zip(rows["donor"], rows["recipient"], strict=True)]
    rows.loc[sick, "health"] = "unhealthy"
    bank = build_bank(rows, languages=codes, name=name, protocol=protocol, metric=metrics[0], **settings)
    return with_intervals(bank, scores if paragraphs else None)


def matrix_bank(cells, codes, *, name="theirs"):
    """A bank of someone else's matrix of F: no seeds, no Δε, no intervals. Missing cells are NaN."""
    cells = np.array(cells, dtype=float)
    np.fill_diagonal(cells, 0)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", MatrixWarning)
        path = Path(folder) / f"{name}.csv"
        pd.DataFrame(cells, index=list(codes), columns=list(codes)).to_csv(path)
        return read_matrix(path, values="finetune")


def big_bank(n=200, *, missing=0.02, random=0):
    """A bank of many languages of the table, some of whose cells are missing."""
    rng = np.random.default_rng(random)
    kinds = rng.integers(0, 4, n)
    cells = 0.1 * rng.normal(size=(4, 4))[np.ix_(kinds, kinds)] + 0.1 * rng.normal(size=(n, n))
    cells[rng.random((n, n)) < missing] = np.nan
    return matrix_bank(cells, [language.code for language in all_languages()[:n]], name="big")


def lone_bank(code="fi"):
    """A bank of a single language, as someone may have cut it out of a `bank.json`."""
    return rename(cut(small_bank(), ["fi"]), {"fi": code})


def cut(bank, codes):
    """The same bank with fewer languages, without what would have to be worked out again."""
    squares = ("finetune_scores", "differences", "log_ratios", "n_seeds", "seed_deviations", "health")
    tables = {name: getattr(bank, name).loc[codes, codes] for name in squares}
    missing = ("donation", "donation_mean", "recipience", "recipience_mean")
    scores = bank.scores.loc[codes].assign(**dict.fromkeys(missing, np.nan), blood_type=None)
    return dataclasses.replace(
        bank, **tables, languages=tuple(codes), scores=scores, intervals=None, measurements=None,
        replicates={seed: table.loc[codes, codes] for seed, table in bank.replicates.items()},
        covariates=bank.covariates.loc[codes],
    )  # fmt: skip


def rename(bank, names):
    """The same bank with other codes, which may be anything, as in a file that someone has edited."""
    squares = ("finetune_scores", "differences", "log_ratios", "n_seeds", "seed_deviations", "health")
    tables = {name: getattr(bank, name).rename(index=names, columns=names) for name in squares}
    return dataclasses.replace(
        bank, **tables, languages=tuple(names.get(code, code) for code in bank.languages), intervals=None,
        scores=bank.scores.rename(index=names), covariates=bank.covariates.rename(index=names), measurements=None,
        replicates={seed: table.rename(index=names, columns=names) for seed, table in bank.replicates.items()},
    )  # fmt: skip


def page_data_of(bank=None, **options):
    """The content of a page; of a small bank by default."""
    return page_data(small_bank() if bank is None else bank, **options)
