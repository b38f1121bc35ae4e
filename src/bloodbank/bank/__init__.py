"""The measured graph: finetune scores, donation, recipience, blood types, files and figures."""

from bloodbank.bank.bank import Bank, build_bank
from bloodbank.bank.figures import draw_curves, draw_heatmap, draw_plane
from bloodbank.bank.files import read_bank, write_bank
from bloodbank.bank.scores import blood_types, donation, finetune_scores, recipience, transfer_levels
from bloodbank.bank.terminal import render_bank

__all__ = [
    "Bank",
    "blood_types",
    "build_bank",
    "donation",
    "draw_curves",
    "draw_heatmap",
    "draw_plane",
    "finetune_scores",
    "read_bank",
    "recipience",
    "render_bank",
    "transfer_levels",
    "write_bank",
]
