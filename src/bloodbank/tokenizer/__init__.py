"""Section 4.1: one shared WordPiece tokenizer, and token ids on disk.

Reads the training text of all languages, writes a folder that `AutoTokenizer.from_pretrained` loads; then
reads one language's text and writes its ids. Command: `bloodbank run experiment.toml`.
"""

from bloodbank.tokenizer.encoding import check_budget, check_known, encode_text, write_array, write_ids
from bloodbank.tokenizer.vocabulary import SPECIAL, Vocabulary, copy_tokenizer, load_tokenizer, tokenizer_digest
from bloodbank.tokenizer.wordpiece import TOKENIZER_VERSION, train_tokenizer

__all__ = [
    "SPECIAL",
    "TOKENIZER_VERSION",
    "Vocabulary",
    "check_budget",
    "check_known",
    "copy_tokenizer",
    "encode_text",
    "load_tokenizer",
    "tokenizer_digest",
    "train_tokenizer",
    "write_array",
    "write_ids",
]
