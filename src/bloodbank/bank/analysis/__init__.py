"""The paper's analyses of a bank: each a function of the bank, sentences with their numbers, and a figure."""
