"""One thing that the doctor looked at."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    status: Literal["ok", "warning", "failed"]
    """A warning does not keep the device from working; a failure does."""
    detail: str
    advice: str = ""
