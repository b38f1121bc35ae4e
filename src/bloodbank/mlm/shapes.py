"""Names and shapes of the weights, as transformers' BERT has them; needs no torch, so that a plan can count them."""

from __future__ import annotations

from bloodbank.experiment.settings import ModelSettings

WORDS = "bert.embeddings.word_embeddings.weight"


def shapes(settings: ModelSettings, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight under its name in transformers' `BertForMaskedLM`."""
    width, inner = settings.hidden_size, settings.feed_forward_size
    sizes: dict[str, tuple[int, ...]] = {
        WORDS: (vocab_size, width),
        "bert.embeddings.position_embeddings.weight": (settings.n_positions, width),
        "bert.embeddings.token_type_embeddings.weight": (2, width),
        "bert.embeddings.LayerNorm.weight": (width,),
        "bert.embeddings.LayerNorm.bias": (width,),
    }
    for layer in range(settings.n_layers):
        name = f"bert.encoder.layer.{layer}"
        for part in (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ):
            sizes |= {f"{name}.{part}.weight": (width, width), f"{name}.{part}.bias": (width,)}
        sizes |= {
            f"{name}.intermediate.dense.weight": (inner, width),
            f"{name}.intermediate.dense.bias": (inner,),
        }
        sizes |= {f"{name}.output.dense.weight": (width, inner), f"{name}.output.dense.bias": (width,)}
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            sizes |= {f"{name}.{part}.weight": (width,), f"{name}.{part}.bias": (width,)}
    head = "cls.predictions"
    return sizes | {
        f"{head}.transform.dense.weight": (width, width),
        f"{head}.transform.dense.bias": (width,),
        f"{head}.transform.LayerNorm.weight": (width,),
        f"{head}.transform.LayerNorm.bias": (width,),
        f"{head}.bias": (vocab_size,),
    }
