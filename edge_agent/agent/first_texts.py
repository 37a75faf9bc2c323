"""First texts on the screen: of each block the latest one, until the block itself is sealed."""

from collections.abc import Mapping
from math import inf
from uuid import UUID

from edge_agent.agent import today
from edge_agent.agent.port import CaptionView
from edge_agent.heard import FirstText


class FirstTexts:
    """Keeps them by conversation and block: one block is still being read while the next is already spoken."""

    def __init__(self) -> None:
        """Begin with none."""
        self._texts: dict[tuple[UUID, int], tuple[CaptionView, ...]] = {}

    def put(self, first: FirstText, *, conversation: UUID) -> None:
        """Keep a first text, masked, in place of an earlier one of its block."""
        captions = today.drafts(first, conversation=conversation)
        if captions:
            self._texts[conversation, first.ordinal] = captions

    def forget(self) -> None:
        """Keep none: words were taken back."""
        self._texts.clear()

    def sealed(self, blocks: Mapping[UUID, int]) -> None:
        """Forget those whose block is sealed.

        Args:
            blocks: how many blocks of each recording that goes on are sealed; others are forgotten whole.
        """
        self._texts = {key: text for key, text in self._texts.items() if key[0] in blocks and key[1] >= blocks[key[0]]}

    def of(self, conversation: UUID) -> tuple[CaptionView, ...]:
        """Return what a conversation's blocks probably say; a text that reaches beyond its block ends where the next
        begins.
        """
        texts = [self._texts[key] for key in sorted(self._texts) if key[0] == conversation]
        next_ms = [*(text[0].start_ms for text in texts[1:]), inf]
        return tuple(one for text, end in zip(texts, next_ms, strict=False) for one in text if one.start_ms < end)
