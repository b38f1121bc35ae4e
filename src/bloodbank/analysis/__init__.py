"""Section 5: what a bank says, one file a question, with its result, its sentences and its table."""
