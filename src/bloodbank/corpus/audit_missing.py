"""What an audit does not know and why, in sentences: one for each reason.

Nothing is read or written.

    missing_numbers(audit)   # "Not computed, because the text is not encoded yet: sentence tokens, tokens."
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from bloodbank.corpus.audit_record import Audit, LanguageAudit
from bloodbank.corpus.audit_values import NOT_COMPUTED
from bloodbank.corpus.audit_wording import listed


def missing_numbers(audit: Audit) -> list[str]:
    """Say what was not computed and why.

    Args:
        audit: The audit.

    Returns:
        A sentence for each reason, with what it holds for, and in which languages where not in all.
    """
    reasons: dict[str, dict[str, list[str]]] = {}
    for language in audit.languages:
        for what, reason in _reasons(language, audit):
            reasons.setdefault(reason, {}).setdefault(what, []).append(language.code)
    n_all = len(audit.languages)
    return [
        f"{reason[0].upper()}{reason[1:]}: "
        + ", ".join(what if len(codes) == n_all else f"{what} ({listed(codes)})" for what, codes in where.items())
        + "."
        for reason, where in reasons.items()
    ]


def _reasons(language: LanguageAudit, audit: Audit) -> Iterator[tuple[str, str]]:
    """Go through what is missing of one language: what, and the reason."""
    for field in LanguageAudit.model_fields:
        value, name = getattr(language, field), field.replace("_", " ")
        if _is_reason(value):
            yield name, value
        elif isinstance(value, BaseModel):
            parts = {inner: getattr(value, inner) for inner in type(value).model_fields}
            for inner, part in parts.items():
                if _is_reason(part):
                    yield f"{inner.removeprefix('n_').replace('_', ' ')} of {name}", part
    if _is_reason(audit.overlap):
        yield "overlap", str(audit.overlap)
    if not isinstance(language.tokens, str) and isinstance(audit.token_correlation, str):
        yield "correlation of total and unique tokens", audit.token_correlation


def _is_reason(value: object) -> bool:
    return isinstance(value, str) and value.startswith(NOT_COMPUTED)
