"""From a source's audio to blocks of recognised text."""

from edge_agent.heard import HeardBlock, HeardSpan, HeardUtterance

__all__ = ["HeardBlock", "HeardSpan", "HeardUtterance"]
