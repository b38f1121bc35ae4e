"""What is not known is told, each reason once."""

from bloodbank.corpus.audit.record import Foreign
from bloodbank.corpus.audit.sentences import missing_numbers
from made_audits import audit, distance, language, tokens

REASON = "not computed, because it was not asked for"


def test_what_was_not_computed_is_told_with_its_reason_once():
    ones = [language("fi", foreign=REASON), language("de", foreign=Foreign(by_char=REASON), scripts=REASON)]
    assert missing_numbers(audit(*ones)) == [
        "Not computed, because the text is not encoded yet: sentence tokens, tokens.",
        f"N{REASON[1:]}: foreign (fi), by char of foreign (de), scripts (de).",
        "Not computed: by line of foreign (de), undecided of foreign (de).",
    ]
    few = audit(language("fi", tokens=tokens(), sentence_tokens=distance(0.1, 20, 0.2, 0.9)))
    assert missing_numbers(few) == [
        "Not computed, because 1 languages are too few; at least 4 are needed: correlation of total and unique tokens."
    ]
