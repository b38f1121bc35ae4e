"""How taggers are fine-tuned: XTREME's recipe, every number of it a setting."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bloodbank.settings import Count, Settings, Share, TrainingSettings

Select = Literal["final", "best_on_source_dev"]


class FinetuneSettings(Settings):
    """The recipe of fine-tuning, with the defaults of XTREME (Hu et al. 2020), which section 6 of the paper follows.

    AdamW's first moment decays by 0.9 and its epsilon is 1e-8, as there. Dropout is that of pretraining (`[model]`),
    also before the classifier; XTREME's BERT has 0.1, on attention weights too. What differs from XTREME: it keeps the
    checkpoint that is best on English dev text, here it is the last one unless `select` says otherwise; its loss is
    the mean of the means of four batches of 8 rows, here the mean over the words of all 32; its schedule is one update
    ahead of its optimiser, so that its first update has the rate of our second.

    Source: `scripts/train_udpos.sh`, `scripts/train_panx.sh`, `third_party/run_tag.py` of google-research/xtreme.
    """

    epochs: Count = Field(10, description="Passes over the training sentences (XTREME: 10)")
    batch_size: Count = Field(32, description="Rows in an update (XTREME: 32)")
    length: Annotated[int, Field(ge=8)] = Field(
        128, description="Pieces in a row at most, [CLS] and [SEP] included (XTREME: 128)"
    )
    learning_rate: Annotated[float, Field(gt=0.0)] = Field(
        2e-5, description="Peak learning rate of AdamW (XTREME: 2e-5); narrow models need a higher one"
    )
    warmup_share: Share = Field(
        0.0,
        description="Share of updates over which the rate rises to its peak (XTREME: 0); then it falls linearly to 0",
    )
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(
        0.0, description="Weight decay of matrices, not of biases and norms (XTREME: 0)"
    )
    beta2: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(
        0.999, description="Decay of the second moment of AdamW (XTREME: 0.999)"
    )
    clip_norm: Annotated[float, Field(gt=0.0)] = Field(
        1.0, description="Largest norm of a model's gradient (XTREME: 1)"
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Number type of what is computed while training (XTREME: float32); weights, their updates, losses "
        "and predictions are always float32",
    )
    select: Select = Field(
        "final",
        description='Which weights are kept: `"final"`, or `"best_on_source_dev"`: those of the epoch with the highest '
        "score on dev text of the language that was trained on; never of another language",
    )

    def training(self) -> TrainingSettings:
        """Return the recipe in the engine's terms."""
        return TrainingSettings(
            epochs=self.epochs, layout="rows", batch_size=self.batch_size, learning_rate=self.learning_rate,
            warmup_share=self.warmup_share, weight_decay=self.weight_decay, beta2=self.beta2, clip_norm=self.clip_norm,
            dtype=self.dtype, curve_points=0,
        )  # fmt: skip
