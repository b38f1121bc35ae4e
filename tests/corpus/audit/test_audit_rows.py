"""Rows for CSV: the same columns whatever is missing, exact numbers, and back again."""

import csv
import io

from bloodbank.corpus.audit.columns import csv_rows
from bloodbank.corpus.audit.record import Foreign, LanguageAudit
from made_audits import audit, distance, language, tokens, varied


def test_csv_has_the_same_columns_whatever_is_missing():
    rows = csv_rows(audit(LanguageAudit(code="fi", name="Finnish"), language("de"), overlap="not computed"))
    full = csv_rows(varied(3))
    assert {tuple(row) for row in rows} == {tuple(row) for row in full}
    assert all(
        not (isinstance(value, str) and value.startswith("not computed")) for row in rows for value in row.values()
    )
    assert rows[0]["train_chars"] == ""
    assert rows[1]["train_chars"] == 10_000_000


def test_csv_holds_exact_numbers():
    one = language(
        "fi",
        tokens=tokens(3_200_000, 8_000, n_unknown=16),
        sentence_tokens=distance(0.5, 20, 0.2),
        foreign=Foreign(by_line=0.5, by_char=0.58, languages={"en": 0.57, "sv": 0.01}, undecided=0.1),
        short_parts=("test",),
    )
    (row, _) = csv_rows(audit(one, "de", overlap={"fi": {"fi": 0.001, "de": 0.031}}))
    expected = {
        "code": "fi", "family": "Uralic", "script": "Latn", "source_chars": 25_000_000, "source_exact": True,
        "train_words": 1_600_000, "dev_bytes": 105_000, "tokens": 3_200_000, "unique": 8_000, "unique_ratio": 0.0025,
        "unknown": 16, "unknown_rate": 5e-6, "fertility": 2.0, "vocabulary_share": 0.2, "exclusive_share": 0.05,
        "updates_per_epoch": 1_000, "sentence_words_emd": 0.4, "sentence_words_running_high": 0.9,
        "sentence_tokens_running_high": "", "sentence_tokens_emd_relative": 0.025, "foreign_by_char": 0.58,
        "foreign_languages": "en:0.57 sv:0.01", "script_shares": "Latn:1", "overlap_own": 0.001,
        "overlap_other": 0.031, "overlap_with": "de", "near_duplicates": 300, "licence": "CC BY-SA 4.0",
        "flags": "short foreign overlap",
        "removed": "exact duplicates (paragraphs):1234 boilerplate (lines):56",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_csv_can_be_read_back():
    rows = csv_rows(varied(5))
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    file.seek(0)
    read = list(csv.DictReader(file))
    assert [{name: str(value) for name, value in row.items()} for row in rows] == read
