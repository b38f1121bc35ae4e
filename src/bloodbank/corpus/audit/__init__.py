"""What a balanced text is like, measured: sizes, lengths, distances, foreign text; its table, card and figures."""
