"""Where text comes from: files, JSON lines, Parquet, datasets of Hugging Face; one contract, `source.Source`."""
