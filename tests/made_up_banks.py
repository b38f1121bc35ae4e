"""Made-up banks as tables: scores of models by paragraph, and the measurements that follow from them."""

import numpy as np
import pandas as pd

CODES = ("de", "fi", "hu", "ru")
MODELS = ("monolingual", "sequential")


def sentence_scores(
    codes=CODES, *, seeds=(0, 1, 2), n_paragraphs=40, noise=0.1, liking=0.0, own=0.03, metric="mrr",
    protocol="sequential", random=0,
):  # fmt: skip
    """Sentence scores of a complete bank.

    Models differ between seeds by `own`, in which paragraphs they like whatever their seed by `liking`, and in which
    those of one seed like by `noise`, relative to their scores.
    """
    rng = np.random.default_rng(random)
    parts = []
    for recipient in codes:
        counts = rng.integers(5, 60, n_paragraphs).astype(float)
        easy = 1 + 0.3 * rng.normal(size=n_paragraphs)
        for donor in ("", *(code for code in codes if code != recipient)):
            level = 0.2 * (1 + 0.2 * rng.normal() * bool(donor))
            liked = easy + liking * rng.normal(size=n_paragraphs)
            for seed in seeds:
                score = level * (1 + own * rng.normal()) * (liked + noise * rng.normal(size=n_paragraphs))
                keys = {"protocol": protocol if donor else "monolingual", "donor": donor, "recipient": recipient}
                units = {"seed": seed, "metric": metric, "unit": 3 * np.arange(n_paragraphs)}
                parts.append(pd.DataFrame({**keys, **units, "sum": counts * score, "count": counts}))
    return pd.concat(parts, ignore_index=True)


def measurements_of(scores):
    """The measurements that belong to sentence scores, all of healthy models."""
    keys = ["protocol", "donor", "recipient", "seed", "metric"]
    totals = scores.groupby(keys, as_index=False)[["sum", "count"]].sum()
    value = totals["sum"] / totals["count"]
    more = {"n_masked": 10_000, "standard_error": 0.001, "updates": 100, "tokens_seen": 5_000, "seconds": 1.0}
    return totals[keys].assign(
        value=value, **more, device="cpu", health="healthy", health_z=9.0, convergence="converged"
    )


def finetune_of(scores, seed):
    """F of one seed by donor and recipient, worked out anew with a table of values."""
    of_seed = scores[scores["seed"] == seed]
    totals = of_seed.groupby(["donor", "recipient"])[["sum", "count"]].sum()
    value = totals["sum"] / totals["count"]
    alone = value.xs("")
    return {(s, t): x / alone[t] - 1 for (s, t), x in value.items() if s}


def private_codes(n):
    """Codes of n languages of which nothing is known."""
    return [f"x-l{place:03d}" for place in range(n)]
