"""Enrolment: a one-time code becomes this device's identity.

The key is on the disk before the server is asked, and the same key with the same code is given the same identity
again. So a device that dies between the server's answer and its own note of it simply enrols once more.
"""

from pathlib import Path

from pydantic import ValidationError

from edge_agent.identity import IDENTITY_FILE, DeviceKey, Identity
from edge_agent.private_files import make_private_folder
from edge_agent.server_link import SOFTWARE, RefusedError, ServerLink, refusal
from models.errors import EnrolmentError
from models.wire import Enrolment, EnrolmentRequest

NEW_CODE = "Ask the server's administrator for a new code: voicetrail-server shows how with --help."


def enrol(folder: Path, *, link: ServerLink, code: str, name: str) -> Identity:
    """Make this folder a device of the server.

    Raises:
        EnrolmentError: `already_enrolled`, or the server's own code for a wrong, used or expired enrolment code.
        UploadError: no server answers there, or one that is busy.
        OutboxError: the folder cannot be written.
    """
    make_private_folder(folder)
    if (folder / IDENTITY_FILE).exists():
        known = Identity.load(folder)
        raise EnrolmentError(
            f"this device is enrolled already: {known.device_id} of {known.tenant} at {known.server}",
            code="already_enrolled",
            advice="Nothing needs to be done. For another identity name another folder with --data.",
        )
    key = DeviceKey.load_or_make(folder)
    identity = Identity.given(_ask(link, key, code=code, name=name), server=link.server)
    identity.save(folder)
    return identity


def _ask(link: ServerLink, key: DeviceKey, *, code: str, name: str) -> Enrolment:
    try:
        request = EnrolmentRequest(code=code.strip(), public_key=key.public_base64, name=name, software=SOFTWARE)
    except ValidationError as error:
        raise EnrolmentError(
            "this cannot be an enrolment code", code="enrolment_code_invalid", advice=NEW_CODE
        ) from error
    content = request.model_dump_json().encode()
    answer = link.request("POST", "/v1/enrol", content=content, headers={"Content-Type": "application/json"})
    if answer.status not in (200, 201):
        refused = refusal(answer)
        if isinstance(refused, RefusedError):
            raise EnrolmentError(refused.message, code=refused.code, advice=refused.advice or NEW_CODE)
        raise refused
    try:
        return Enrolment.model_validate_json(answer.body)
    except ValidationError as error:
        raise EnrolmentError(
            f"{link.server} did not answer like a Voicetrail server",
            code="not_a_voicetrail_server",
            advice="Check the address, with its port and path.",
        ) from error
