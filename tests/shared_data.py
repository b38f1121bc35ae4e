"""Real data that is no part of the project: where it lies, and a skip with the reason where it does not.

def test_something():
    folder = shared_data("text")
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def shared_data(*names):
    """Return a file or folder of the shared data; skip the test that asks where it is absent."""
    base = Path(os.environ.get("BLOODBANK_SHARED_DATA") or ROOT.parent / "shared" / "data")
    path = base.joinpath(*names)
    if not path.exists():
        pytest.skip(f"no shared data at {path}; set BLOODBANK_SHARED_DATA to its folder")
    return path
