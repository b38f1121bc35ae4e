"""What a value in an audit may be: a number within its limits, or the string that says why there is none.

Nothing is read or written; the parts of an audit (`audit_record`) are made of these.

    class Lines(Record):
        n: Count = NOT_COMPUTED
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

NOT_COMPUTED = "not computed"
NOT_ENCODED = "not computed, because the text is not encoded yet"

Missing = Annotated[str, StringConstraints(pattern=r"^not computed")]
Count = Annotated[int, Field(ge=0)] | Missing
Share = Annotated[float, Field(ge=0, le=1)]
MaybeShare = Share | Missing


class Record(BaseModel):
    """A part of an audit: nothing unknown in it, no infinite numbers; what follows from it is worked out again."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _work_out_again(cls, content: object) -> object:
        if not isinstance(content, dict):
            return content
        return {key: value for key, value in content.items() if key not in cls.model_computed_fields}


def ratio(part: float | str, whole: float | str) -> float | str:
    """Divide two values.

    Args:
        part: A number, or why there is none.
        whole: Likewise.

    Returns:
        The quotient, or a string that says why there is none.
    """
    if isinstance(part, str) or isinstance(whole, str):
        return part if isinstance(part, str) else str(whole)
    return part / whole if whole else "not computed, because there is nothing to divide by"
