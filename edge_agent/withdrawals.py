"""What was withdrawn on the server: asked for by the device, also when it has nothing to send."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import structlog
from pydantic import Field, ValidationError

from edge_agent.device import Device
from edge_agent.private_files import write_whole
from edge_agent.signed_request import SignedRequests
from models.errors import UploadError
from models.noun import Name, Noun
from models.wire import WithdrawalDelta

FILE_NAME: Final = "withdrawals.json"
PAGE: Final = 1000
"""Conversations asked for at once."""

_log = structlog.get_logger()


class _Place(Noun):
    """What the file holds: how far one server has told this device."""

    server: str
    tenant: Name
    device_id: UUID
    after: int = Field(default=0, ge=0)


class Withdrawals:
    """Goes through the server's withdrawals in their order; used by one thread."""

    def __init__(self, device: Device) -> None:
        """Read how far this server has told; a file that cannot be read, or is of another one, counts as nothing."""
        identity = device.identity
        self._file = device.folder / FILE_NAME
        begin = _Place(server=identity.server, tenant=identity.tenant, device_id=identity.device_id)
        self._place = self._kept(begin)

    def pages(self, requests: SignedRequests) -> Iterator[tuple[UUID, ...]]:
        """Give the device's conversations that were withdrawn since the last time.

        A page counts as taken when the next one is asked for: whoever fails with one is given it again.

        Raises:
            UploadError: the server does not answer, or refuses.
            OutboxError: the place cannot be written.
        """
        while True:
            after = self._place.after
            delta = _delta(requests.get(f"/v1/device/withdrawals?after={after}&limit={PAGE}"))
            if delta.next < after:
                # Its database was restored: what it tells again is erased again, which changes nothing.
                self._keep(0)
                continue
            if delta.conversations:
                yield delta.conversations
            self._keep(delta.next)
            if not (delta.has_more and delta.conversations):
                return

    def _kept(self, begin: _Place) -> _Place:
        try:
            kept = _Place.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return begin
        except (OSError, ValidationError) as error:
            _log.warning("withdrawals_unreadable", file=FILE_NAME, error=type(error).__name__)
            return begin
        return kept if kept.model_copy(update={"after": 0}) == begin else begin

    def _keep(self, after: int) -> None:
        if after != self._place.after:
            place = self._place.model_copy(update={"after": after})
            write_whole(self._file, place.model_dump_json().encode())
            self._place = place


def _delta(body: bytes) -> WithdrawalDelta:
    try:
        return WithdrawalDelta.model_validate_json(body)
    except ValidationError as error:
        raise UploadError(
            f"the server's answer is no list of withdrawals ({len(body)} bytes)",
            code="bad_withdrawals",
            advice="Check that the address is a Voicetrail server's and that no proxy answers in its place.",
        ) from error
