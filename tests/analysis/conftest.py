"""Banks of F as it stands: the released matrix, and any that a test makes up."""

import warnings

import numpy as np
import pandas as pd
import pytest

from bloodbank import read_matrix
from made_up_banks import private_codes
from shared_data import shared_data


@pytest.fixture(scope="module")
def published():
    return read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))


@pytest.fixture
def bank_of(tmp_path):
    """A bank of F as it stands, without seeds."""

    def build(cells, languages=None):
        cells = np.array(cells, dtype=float)
        np.fill_diagonal(cells, 0.0)
        languages = languages or private_codes(len(cells))
        pd.DataFrame(cells, languages, languages).to_csv(tmp_path / "made.csv")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read_matrix(tmp_path / "made.csv", values="finetune")

    return build
