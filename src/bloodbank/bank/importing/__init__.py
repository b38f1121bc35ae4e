"""Banks that others measured: matrices and tables, wide or long, with ratios, F or scores."""
