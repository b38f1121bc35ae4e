"""K models side by side against each of them alone; and that nothing passes from one to another."""

import pytest
from made_up import DROPPING, MODEL, RECIPE, largest_difference, reading, stack, text

from bloodbank.mlm.training import train

FLOAT64_TOLERANCE = 1e-9
SEEDS = (3, 1, 4, 1)
MODELS = {"no dropout": MODEL, "dropout": DROPPING}


def readings_of(kind, layout, n_updates):
    """A column: one reading for all. Or four, of different texts, lengths of rows, numbers of updates and seeds."""
    if n_updates == 1:
        kinds = {"n_pieces": 20, "layout": layout, "epochs": 1}
        other = [reading(f"x-{n}", seed=n % 2, longest=9 - n, **kinds) for n in range(4)]
        return [other[0]] * 4 if kind == "column" else other
    if kind == "column":
        n_rows = text("x-0", layout=layout).n_rows
        return [reading("x-0", epochs=-(-4 * n_updates // n_rows), layout=layout)] * 4
    sizes = [(300, 9, 1), (130, 5, 2), (420, 3, 0), (210, 8, 0)]
    found = []
    for number, (n_pieces, longest, seed) in enumerate(sizes):
        kinds = {"n_pieces": n_pieces, "layout": layout, "longest": longest}
        n_rows = text(f"x-{number}", **kinds).n_rows
        wanted = n_updates * (number + 1) // 4  # the last one reaches n_updates
        found.append(reading(f"x-{number}", epochs=-(-4 * wanted // n_rows), seed=seed, **kinds))
    return found


@pytest.mark.parametrize("n_updates", [1, 100])
@pytest.mark.parametrize("trained", ["all", "words"])
@pytest.mark.parametrize("dropout", MODELS)
@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize("kind", ["column", "different"])
def test_a_gang_of_four_equals_four_runs_in_float64(kind, layout, dropout, trained, n_updates):
    settings, readings = MODELS[dropout], readings_of(kind, layout, n_updates)
    assert max(one.n_updates for one in readings) >= n_updates
    if kind == "different" and n_updates > 1:
        assert len({one.n_updates for one in readings}) == 4  # they leave one after the other
    together = stack(SEEDS, settings)
    phases = train(together, readings, RECIPE, trained=trained)
    for model, seed in enumerate(SEEDS):
        alone = stack([seed], settings)
        (phase,) = train(alone, [readings[model]], RECIPE, trained=trained)
        assert (phases[model].updates, phases[model].tokens_seen) == (phase.updates, phase.tokens_seen)
        assert phases[model].loss == pytest.approx(phase.loss, rel=1e-6)  # kept in float32
        assert largest_difference(together.weights, alone.weights, model) < FLOAT64_TOLERANCE
