"""A book in several languages: who translates whom is known, parts are missing, and sections stand elsewhere."""

from dataclasses import dataclass

from bloodbank.randomness import generator

ANCHORED = 0.12  # paragraphs with a word that nobody translates; the help books of LibreOffice have about as many


@dataclass(frozen=True)
class Book:
    """Paragraphs of one language, and which paragraph of the original each is."""

    lines: list[str]
    originals: list[int]

    def numbers(self, text):
        """Return which originals the paragraphs of a part of it are; the last one may be cut."""
        place = dict(zip(self.lines, self.originals, strict=True))
        return [place[line] for line in text if line in place]


def make_book(language, *, n=900, seed=0, missing=(), moved=None, anchored=ANCHORED):
    """Write a book in a language of its own.

    Args:
        language: Its words are other words.
        n: Paragraphs of the original.
        seed: Other seeds, other books.
        missing: Stretches of originals that were never translated, each (first, end).
        moved: A section that stands elsewhere, (first, end, before which original); None: all in order.
        anchored: Share of the paragraphs that keep a word of the original.
    """
    shape, words = generator("book", seed), generator("book", seed, language)
    lexicon = ["".join(chr(97 + letter) for letter in words.integers(0, 26, size=size)) for size in range(2, 12)] * 3
    lexicon += ["".join(chr(97 + letter) for letter in words.integers(0, 26, size=7)) for _ in range(300)]
    lengths = shape.integers(3, 40, size=n)
    anchors = [f"Function{i}" if share < anchored else "" for i, share in enumerate(shape.random(n))]
    heads = shape.random(n) < 0.2
    lines = []
    for i in range(n):
        n_words = max(2, round(lengths[i] * float(words.uniform(0.85, 1.2))))
        text = " ".join(lexicon[word] for word in words.integers(0, len(lexicon), size=n_words))
        lines.append(f"{text} {anchors[i]}".strip() + ("" if heads[i] else "."))
    order = [i for i in range(n) if not any(first <= i < end for first, end in missing)]
    if moved:
        first, end, before = moved
        section = [i for i in order if first <= i < end]
        rest = [i for i in order if not first <= i < end]
        place = next((k for k, i in enumerate(rest) if i >= before), len(rest))
        order = rest[:place] + section + rest[place:]
    return Book([lines[i] for i in order], order)
