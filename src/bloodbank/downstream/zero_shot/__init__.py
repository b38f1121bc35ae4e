"""Zero-shot scores Z, Equations 1, 2, 9, 10 and 11, and what they say of the hypotheses of section 6."""
