"""Tasks and their data: POS tagging and named entities, from CoNLL-U, BIO or Hugging Face."""
