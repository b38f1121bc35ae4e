"""Audits with made-up numbers, for tests of what is written and drawn from them."""

import numpy as np

from bloodbank.corpus.audit.distances import Distance, Range
from bloodbank.corpus.audit.record import Audit, Foreign, LanguageAudit, NearDuplicates, Sizes, SourceSize, Tokens
from bloodbank.corpus.scripts import ScriptMix, expected_scripts
from bloodbank.languages import PAPER_LANGUAGES, PAPER_TOKENIZER_LANGUAGES, all_languages, get_language

LATER = [one.code for one in all_languages() if one.code not in PAPER_LANGUAGES + PAPER_TOKENIZER_LANGUAGES]
CODES = [*PAPER_LANGUAGES, *PAPER_TOKENIZER_LANGUAGES, *LATER]


def distance(value, mean, high, stretches=None, *, against="source"):
    """A distance with ranges below their highest value."""
    both = [Range(low=top / 4, median=top / 2, high=top, n_draws=1_000) for top in (high, stretches or high)]
    reason = "not computed, because the source has fewer than 20 blocks of sentences"
    return Distance(
        value=value,
        relative=value / mean,
        mean=mean,
        against=against,
        n_sample=1_000,
        n_against=9_000,
        random=both[0],
        stretches=both[1] if stretches else reason,
    )


def sizes(n_chars):
    """Sizes of a text: 1.05 bytes a character, 6.25 characters a word, 20 words a sentence, 3 sentences a paragraph."""
    n_words = n_chars * 4 // 25
    return Sizes(
        n_chars=n_chars,
        n_bytes=n_chars * 21 // 20,
        n_words=n_words,
        n_sentences=n_words // 20,
        n_paragraphs=n_words // 60,
    )


def language(code, **changes):
    """A clean language without tokens; `changes` replace what it says."""
    known = get_language(code)
    shares = dict.fromkeys(expected_scripts(code), 0.0) or {"Latn": 0.0}
    first = next(iter(shares))
    said = {
        "code": code,
        "name": known.name,
        "family": known.family,
        "script": known.script,
        "source_size": SourceSize(n_chars=25_000_000, exact=True, share_read=1),
        "sample": sizes(10_000_000),
        "dev": sizes(100_000),
        "test": sizes(200_000),
        "sentence_words": distance(0.4, 17.0, 0.2, 0.9),
        "word_chars": distance(0.05, 5.5, 0.01, 0.1),
        "foreign": Foreign(by_line=0.01, by_char=0.008, languages={"en": 0.008}, undecided=0.02),
        "near_duplicates": NearDuplicates(n=300, share=0.01),
        "scripts": ScriptMix(n_letters=8_000_000, shares={first: 1.0}, expected=tuple(shares), outside=0.0),
        "licence": "CC BY-SA 4.0",
        "origin": f"Wikipedia, {code}",
        "removed": {"exact duplicates (paragraphs)": 1_234, "boilerplate (lines)": 56},
    }
    return LanguageAudit(**(said | changes))


def tokens(n_tokens=2_500_000, n_unique=20_000, **changes):
    said = {
        "n_tokens": n_tokens,
        "n_unique": n_unique,
        "n_unknown": 0,
        "updates_per_epoch": 1_000,
        "vocabulary_share": 0.2,
        "exclusive_share": 0.05,
    }
    return Tokens(**(said | changes))


def audit(*languages, **changes):
    """An audit of languages, or of clean ones by their codes."""
    made = tuple(language(one) if isinstance(one, str) else one for one in languages)
    said = {
        "name": "made up",
        "budget": 10_000_000,
        "budget_unit": "characters",
        "sampling": "consecutive",
        "seed": 0,
        "languages": made,
        "overlap": {one.code: {other.code: 0.0 for other in made} for one in made},
    }
    return Audit(**(said | changes))


def varied(n, seed=0):
    """An audit of n languages in which everything differs, as it does in real ones."""
    draws = np.random.default_rng(seed)
    codes = CODES[:n]
    made = [_varied(code, codes, draws) for code in codes]
    shares = np.minimum(1, draws.lognormal(-7.5, 1.6, size=(n, n)))
    overlap = {code: dict(zip(codes, row.tolist(), strict=True)) for code, row in zip(codes, shares, strict=True)}
    return audit(*made, overlap=overlap, vocab_size=100_000)


def _varied(code, codes, draws):
    script = get_language(code).script
    wide = {"Latn": 1.05, "Grek": 1.8, "Cyrl": 1.8, "Hebr": 1.7, "Arab": 1.75, "Armn": 1.8}.get(script, 2.6)
    n_chars = int(10_000_000 * draws.uniform(0.97, 1) * (0.3 if code in ("pms", "yi") else 1))
    per_word = 1.5 if script in ("Jpan", "Hani", "Mymr", "Thai") else draws.uniform(5, 8)
    n_words, n_tokens = int(n_chars / per_word), int(n_chars / draws.uniform(2.2, 5))
    share = {"fi": 0.58, "hi": 0.93, "ne": 0.12}.get(code, float(draws.beta(0.6, 60)))
    kinds = draws.dirichlet([3, 1, 0.5, 0.2, 0.1])
    others = [other for other in ("en", "ru", "de", "sv", "fr", "es", "hi", "zh") if other != code][:5]
    foreign = dict(sorted(zip(others, (float(share * part) for part in kinds), strict=True), key=lambda item: -item[1]))
    high = [float(draws.uniform(0.03, 0.2)), float(draws.uniform(0.05, 0.3)), float(draws.uniform(0.005, 0.02))]
    means = [float(draws.uniform(9, 25)), float(draws.uniform(15, 45)), n_chars / n_words * 0.85]
    found = [
        distance(float(top * draws.lognormal(1.2, 0.8)), mean, top, float(top * draws.uniform(3, 12)))
        for top, mean in zip(high, means, strict=True)
    ]
    return language(
        code,
        source_size=SourceSize(n_chars=int(draws.lognormal(19, 2)), exact=bool(draws.random() < 0.5), share_read=0.3),
        sample=Sizes(
            n_chars=n_chars,
            n_bytes=int(n_chars * wide * draws.uniform(0.97, 1.03)),
            n_words=n_words,
            n_sentences=int(n_words / means[0]),
            n_paragraphs=int(n_words / means[0] / 3),
        ),
        short_parts=("train",) if n_chars < 9e6 else (),
        sentence_words=found[0],
        sentence_tokens=found[1],
        word_chars=found[2],
        tokens=tokens(
            n_tokens,
            int(2_000 + n_tokens / 250 * draws.uniform(0.7, 1.3)),
            n_unknown=int(n_tokens * draws.beta(0.4, 800)),
            updates_per_epoch=n_tokens // 4_096,
            vocabulary_share=float(draws.uniform(0.05, 0.4)),
            exclusive_share=float(draws.uniform(0, 0.05)),
        ),
        foreign=Foreign(by_line=share * 0.9, by_char=share, languages=foreign, undecided=0.03),
    )
