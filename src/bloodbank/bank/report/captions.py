"""Captions of the figures that every run draws: each stands alone. Nothing is read or written."""

from __future__ import annotations

from bloodbank.bank.bank import Bank
from bloodbank.bank.foreign_text import foreign_shares, much_foreign
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.sentences import n_pairs, subtitle
from bloodbank.corpus.audit_record import FOREIGN_LIMIT


def heatmap_caption(bank: Bank) -> str:
    """Describe the matrix of F.

    Args:
        bank: The bank.

    Source:
        Figure 2.
    """
    is_known = foreign_shares(bank.covariates) is not None
    foreign = " Beside D: percent of the characters of the training text in other languages." if is_known else ""
    return (
        f"Finetune scores F(s→t) of bank {bank.name} in percent of the {METRICS[bank.metric].label} of the recipient's "
        "own model: donors s are rows, recipients t columns, both in order of donation; blue helps, red harms. The "
        "column D and the row R are sums over the other languages, without a unit, coloured by their mean "
        f"({subtitle(bank)}).{foreign} As figure 2 of Malkin et al. (2022)."
    )


def plane_caption(bank: Bank) -> str:
    """Describe the plane of R and D.

    Args:
        bank: The bank.

    Source:
        Figure 3.
    """
    n_measured = int(bank.finetune_scores.notna().to_numpy().sum())
    many = f" Ringed: more than {FOREIGN_LIMIT:.0%} of the characters of the training text are in other languages."
    rings = many if much_foreign(bank.covariates).any() else ""
    bars = " Bars are measurement intervals." if bank.intervals is not None and bank.intervals.knows_error else ""
    return (
        f"Each language of bank {bank.name} by what it takes (recipience R, to the right) and gives (donation D, "
        f"upwards): sums of F over the other {len(bank.languages) - 1} languages, without a unit; positive is a gain. "
        "The quadrants are the blood types: O gives only, AB+ takes only, A does both, none neither."
        f"{bars}{rings} From {n_measured} of {n_pairs(bank)} ordered pairs. As figure 3 of Malkin et al. (2022)."
    )


def curves_caption(bank: Bank) -> str:
    """Describe the loss curves.

    Args:
        bank: The bank.
    """
    return (
        f"Loss on dev text while the models of bank {bank.name} trained, a panel for each recipient: cross-entropy in "
        "nats a masked piece (lower is better) against tokens of the recipient read so far, on a logarithmic scale. "
        "Bold: the recipient's own model; thin: models that started from a donor. Compare lines within a panel, not "
        "between panels."
    )
