"""One-time addresses at which a customer answers on their own phone."""

import secrets
from uuid import UUID

from edge_agent.agent.port import Phase, Snapshot


class ConsentLinks:
    """At most one address: that of the encounter whose customer is being asked. It dies with the question."""

    def __init__(self, public_url: str) -> None:
        """Take the address under which the console is reached from the network; empty where it is not."""
        self._public_url = public_url.rstrip("/")
        self._asked: UUID | None = None
        self._token = ""

    def url(self, snapshot: Snapshot) -> str:
        """Return the address for the question that is open now; empty where there is none or no phone could open it."""
        if not self._public_url or self._open(snapshot) is None:
            return ""
        return f"{self._public_url}/consent/{self._token}"

    def encounter(self, token: str, snapshot: Snapshot) -> UUID | None:
        """Return the encounter that a token asks about; None when that question is not open (any more)."""
        asked = self._open(snapshot)
        return asked if secrets.compare_digest(token.encode(), self._token.encode()) else None

    def _open(self, snapshot: Snapshot) -> UUID | None:
        asked = snapshot.encounter.id if snapshot.encounter and snapshot.phase is Phase.ASKING else None
        if asked != self._asked:
            self._asked = asked
            self._token = secrets.token_urlsafe(18)
        return asked
