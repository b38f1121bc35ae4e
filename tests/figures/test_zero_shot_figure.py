import math

import numpy as np
import pandas as pd

from bloodbank.analysis.zero_shot import ZeroShotBeside
from bloodbank.bank.scores import matrix
from bloodbank.figures.zero_shot import zero_shot_caption, zero_shot_figure

NAN = math.nan
CODES = ["de", "fi", "ru", "sv"]
SCORES = matrix([[NAN, -0.2, NAN, -0.3], [-0.4, NAN, NAN, NAN], [NAN] * 4, [-0.5, -0.6, NAN, NAN]], CODES)
RECIPIENTS = pd.DataFrame(
    {"recipient": CODES, "n": [2, 2, 0, 1], "rank_correlation": [0.5, -1.0, NAN, NAN], "first_by_finetune": "",
     "first_by_zero_shot": ""}
)  # fmt: skip


def result(scores=SCORES):
    metrics = pd.DataFrame({"agreement": [-0.25], "n_recipients": [2], "n_pairs": [5], "n_above": [0]}, index=["mrr"])
    return ZeroShotBeside("test", "sequential", "mrr", {"mrr": (scores, scores)}, RECIPIENTS, metrics, 6)


def axes_of(figure, name):
    return next(axes for axes in figure.axes if axes.get_label() == name)


def test_it_draws_the_languages_that_can_be_compared():
    figure = zero_shot_figure(result(), "under")
    cells = axes_of(figure, "zero_shot")
    assert sorted(text.get_text() for text in cells.texts) == ["−20", "−30", "−40", "−50", "−60"]
    assert [label.get_text() for label in cells.get_yticklabels()] == ["de", "fi", "sv"]
    heading = " ".join(text.get_text() for text in figure.texts)
    assert "for want of a language of their script: ru" in heading
    assert "hatched: not comparable: other script, or not measured" in heading  # fi→sv is missing
    (line,) = [line for line in axes_of(figure, "agreement").lines if line.get_marker() == "o"]
    assert np.allclose(line.get_xdata(), [0.5, -1.0, NAN], equal_nan=True)
    assert "relative to the recipient's own model" in zero_shot_caption(result())
