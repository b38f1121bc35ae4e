"""Text in other languages: identifiers, evidence of words, and the share of a text that is foreign."""
