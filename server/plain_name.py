"""A name as it comes in a URL."""

from typing import Annotated

from pydantic import StringConstraints

# PostgreSQL has no NUL in text: what it cannot hold is refused before it is asked for.
PlainName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
"""A customer, touchpoint or map as named by people and other systems."""
