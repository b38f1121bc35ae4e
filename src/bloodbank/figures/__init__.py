"""The bank's figures: drawings alone; what they show is computed in `analysis` and `bank`.

The modules of single figures import matplotlib, so they are imported only by what draws.
"""
