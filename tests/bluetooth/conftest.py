"""A radio without waves."""

from collections.abc import Iterator

import pytest

from support.virtual_air import Air


@pytest.fixture
def air() -> Iterator[Air]:
    with Air() as air:
        yield air
