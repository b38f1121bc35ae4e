"""Models that tag words: fine-tuned from pretrained ones, as tasks of a run."""
