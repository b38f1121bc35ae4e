"""Generators that are derived from names."""

import hashlib
import os
import random
import subprocess
import sys

import numpy as np

from bloodbank.randomness import derive, generator


def test_the_seed_of_a_name_never_changes():
    # A change here would change every number of every bank.
    assert derive(0, "order", "fi", 3) == 3_208_272_346_033_259_075


def test_a_seed_is_the_first_63_bits_of_a_hash():
    first = hashlib.sha256(b"int:7\x1fstr:masks").hexdigest()[:16]
    assert derive(7, "masks") == int(first, 16) // 2
    assert all(0 <= derive("x", i) < 2**63 for i in range(1_000))


def test_numbers_are_not_texts_and_names_do_not_run_together():
    names = [("1",), (1,), ("1", "2"), ("12",), (1, 2), (12,), ("1", 2), (1, "2"), (2, 1), ("1", ""), ()]
    assert len({derive(*one) for one in names}) == len(names)


def test_a_process_with_another_hash_seed_derives_the_same():
    code = "from bloodbank.randomness import derive; print(derive(3, 'dropout', 'zh'))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) == derive(3, "dropout", "zh")


def test_a_generator_does_not_depend_on_what_was_drawn_before():
    names = [("order", language, seed) for language in ("de", "fi", "zh") for seed in range(2)]
    first = {one: generator(*one).random(5).tolist() for one in names}
    np.random.default_rng(0).random(3)
    random.random()  # noqa: S311
    second = {one: generator(*one).random(5).tolist() for one in reversed(names)}
    assert first == second
    assert len({tuple(values) for values in first.values()}) == len(names)


def test_the_first_draws_of_a_generator_never_change():
    assert generator(0, "order", "fi", 3).integers(1_000, size=4).tolist() == [696, 562, 835, 648]
