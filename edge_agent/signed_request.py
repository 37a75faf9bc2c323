"""Requests that a device signs by method and path: all but batches, which sign their bytes only."""

from edge_agent.clock import read_clock
from edge_agent.identity import DeviceKey, Identity
from edge_agent.server_link import Answer, ServerLink, refusal
from models.wire import HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIMESTAMP, request_payload


class SignedRequests:
    """A device's own requests over a link; a clock that the server finds wrong is corrected by its answer."""

    def __init__(self, link: ServerLink, *, identity: Identity, key: DeviceKey) -> None:
        self._link = link
        self._identity = identity
        self._key = key
        self._offset_ms = 0

    def get(self, target: str) -> bytes:
        """Return what is at a path with its query.

        Raises:
            UploadError: the server does not answer, or refuses.
        """
        answer = self._signed(target)
        measured = answer.clock_offset_ms
        if answer.status == 401 and measured is not None and refusal(answer).code == "signature_expired":
            self._offset_ms = measured
            answer = self._signed(target)
        if answer.status != 200:
            raise refusal(answer)
        return answer.body

    def _signed(self, target: str) -> Answer:
        device = self._identity.device_id
        timestamp = (read_clock().wall_ms + self._offset_ms) // 1000
        headers = {
            HEADER_DEVICE: str(device),
            HEADER_TIMESTAMP: str(timestamp),
            HEADER_SIGNATURE: self._key.sign_base64(request_payload(device, timestamp, method="GET", target=target)),
        }
        return self._link.request("GET", target, headers=headers)
