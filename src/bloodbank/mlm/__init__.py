"""Section 4.1: the models, their masks, training and scores. Importing this package imports torch."""
