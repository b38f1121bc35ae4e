"""The bank's figures: drawings alone; what they show is computed in `analysis` and `bank`."""
