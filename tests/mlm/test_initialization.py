"""Where heads look before they have learnt anything."""

from pathlib import Path

import pytest
import torch

from bloodbank.errors import UsageError
from bloodbank.experiment.load import make_experiment
from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.initialization import head_offset
from bloodbank.mlm.weights import new_stack


def looks(settings: ModelSettings, seed: int = 0) -> torch.Tensor:
    """Return the attention of the first layer, by hand, on random pieces. Shape: [heads, L, L]."""
    weights = {name: weight[0] for name, weight in new_stack(settings, 500, (seed,), 0).weights.items()}
    ids = torch.randint(5, 500, (settings.n_positions,), generator=torch.Generator().manual_seed(seed))
    hidden = weights["bert.embeddings.word_embeddings.weight"][ids]
    hidden = hidden + weights["bert.embeddings.position_embeddings.weight"]
    hidden = torch.nn.functional.layer_norm(hidden, hidden.shape[-1:], eps=1e-12)
    name, width = "bert.encoder.layer.0.attention.self", settings.hidden_size // settings.n_heads
    query, key = (
        (hidden @ weights[f"{name}.{part}.weight"].T).reshape(-1, settings.n_heads, width).transpose(0, 1)
        for part in ("query", "key")
    )
    return (query @ key.transpose(1, 2) / width**0.5).softmax(-1)


@pytest.mark.parametrize(("width", "heads", "length"), [(512, 4, 128), (256, 4, 512), (128, 2, 32), (768, 12, 128)])
def test_each_head_looks_at_its_own_neighbour(width: int, heads: int, length: int) -> None:
    settings = ModelSettings(hidden_size=width, n_heads=heads, n_positions=length)
    attention = looks(settings)
    place = torch.arange(8, length - 8)  # no head has its neighbour outside the row
    for head in range(heads):
        at_neighbour = attention[head, place, place + head_offset(head)]
        hits = attention[head, place].argmax(-1) == place + head_offset(head)
        assert hits.float().mean() > 0.9, head
        assert at_neighbour.mean() > 0.4, head


def test_heads_of_the_other_ways_look_everywhere() -> None:
    for initialization in ("bert", "scaled"):
        attention = looks(ModelSettings(hidden_size=256, n_positions=128, initialization=initialization))
        place = torch.arange(8, 120)
        assert all(attention[head, place, place + head_offset(head)].mean() < 0.02 for head in range(4))


def test_offsets_alternate() -> None:
    assert [head_offset(head) for head in range(6)] == [-1, 1, -2, 2, -3, 3]


def test_seeds_differ_in_words_and_not_in_where_heads_look() -> None:
    settings = ModelSettings(hidden_size=64, n_heads=4, n_positions=32)
    first, second = (new_stack(settings, 90, (seed,), 0).weights for seed in (1, 2))
    positions, words = (f"bert.embeddings.{part}_embeddings.weight" for part in ("position", "word"))
    assert torch.equal(first[positions], second[positions])
    assert not torch.equal(first[words], second[words])
    torch.testing.assert_close(looks(settings, 1).argmax(-1)[:, 8:-8], looks(settings, 2).argmax(-1)[:, 8:-8])


def test_heads_of_width_one_cannot_look_at_neighbours() -> None:
    content = {"languages": ["de", "fi"], "corpus": {"path": "{language}.txt"}, "model": {"hidden_size": 4}}
    with pytest.raises(UsageError, match="needs heads of width 2 or more"):
        make_experiment(content, where="here", base=Path())
    content["model"] = {"hidden_size": 4, "initialization": "scaled"}
    assert make_experiment(content, where="here", base=Path()).model.hidden_size == 4
