"""How sure a bank is: intervals from test paragraphs, seeds and the panel of languages; tests of single cells."""
