"""What rows must be for a model to read them; said before a training begins, not in the middle of it."""

from __future__ import annotations

from bloodbank.downstream.data import IGNORED, Encoded
from bloodbank.errors import UsageError
from bloodbank.mlm.model import WORDS, BertStack


def check_rows(data: Encoded, stack: BertStack, name: str, length: int | None = None) -> None:
    """Refuse rows that a model cannot read.

    Args:
        data: Rows of pieces.
        stack: Models.
        name: What the rows are, as in `pos de`.
        length: Pieces in a row at most, by a setting.

    Raises:
        UsageError: A row is longer than the model or the setting allows, or has a piece that the model does not know.
    """
    positions, n_words = stack.settings.n_positions, stack.weights[WORDS].shape[1]
    longest, allowed = int(data.lengths.max(initial=0)), min(positions, length or positions)
    if longest > allowed:
        why = f"the models have {positions} positions" if allowed == positions else f"length = {length}"
        raise UsageError(
            f"{name}: a row of {longest} pieces, but {why}. Encode the sentences into rows of at most {allowed} pieces."
        )
    known = (data.ids >= 0) & (data.ids < n_words)
    if not known.all():
        raise UsageError(
            f"{name}: piece {int(data.ids[~known][0])}, but the models know the pieces 0 to {n_words - 1}. Encode the "
            "sentences with the tokenizer that the models were trained with."
        )


def check_labels(data: Encoded, n_classes: int, name: str) -> None:
    """Refuse rows that teach nothing or have a class that the task lacks.

    Raises:
        UsageError: There is no label, or a class is not one of 0 to n_classes − 1.
    """
    gold = data.gold[data.gold != IGNORED]
    if not gold.size:
        raise UsageError(f"{name}: none of {len(data.ids)} rows has a label. Give sentences with labels to train on.")
    if gold.min() < 0 or gold.max() >= n_classes:
        wrong = gold[(gold < 0) | (gold >= n_classes)][0]
        raise UsageError(
            f"{name}: class {int(wrong)}, but the task has {n_classes} classes, 0 to {n_classes - 1}. Encode the "
            "sentences with the labels of this task."
        )
