"""Section 6.1: which languages to pretrain on, for all (`select`) or for named recipients (`recommend`)."""
