"""The protocols by which a bilingual model is trained; apart from the settings, which take pydantic to load."""

from typing import Literal, get_args

Protocol = Literal["sequential", "joint", "frozen", "zero_shot"]
PROTOCOLS: tuple[str, ...] = get_args(Protocol)
