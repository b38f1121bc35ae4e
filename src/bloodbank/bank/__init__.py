"""The measured graph: finetune scores, donation, recipience, blood types, and files."""

from bloodbank.bank.bank import Bank, build_bank
from bloodbank.bank.files import read_bank, write_bank
from bloodbank.bank.scores import blood_types, donation, finetune_scores, recipience, transfer_levels

__all__ = [
    "Bank",
    "blood_types",
    "build_bank",
    "donation",
    "finetune_scores",
    "read_bank",
    "recipience",
    "transfer_levels",
    "write_bank",
]
