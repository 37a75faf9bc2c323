"""The sides of a counter in the device's folder: after a power cut people still stand where they stood."""

from pathlib import Path
from typing import Final

import structlog
from pydantic import ValidationError

from edge_agent.private_files import write_whole
from edge_agent.sides import Sides
from models.noun import Noun

FILE_NAME: Final = "sides.json"

_log = structlog.get_logger()


class _Kept(Noun):
    """What the file holds."""

    microphone: str
    """Address of the array whose angles these are."""
    staff_deg: float | None
    customer_deg: float | None


def kept_sides(folder: Path, *, microphone: str) -> Sides:
    """Return the sides as they were last said of this microphone; those said from now on are kept.

    A file that cannot be read, or is another array's, leaves them unknown.
    """
    path = folder / FILE_NAME

    def keep(staff_deg: float | None, customer_deg: float | None) -> None:
        kept = _Kept(microphone=microphone, staff_deg=staff_deg, customer_deg=customer_deg)
        write_whole(path, kept.model_dump_json().encode())

    try:
        kept = _Kept.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Sides(keep=keep)
    except (OSError, ValidationError) as error:
        _log.warning("sides_unreadable", file=FILE_NAME, error=type(error).__name__)
        return Sides(keep=keep)
    if kept.microphone != microphone:
        return Sides(keep=keep)
    return Sides(staff_deg=kept.staff_deg, customer_deg=kept.customer_deg, keep=keep)
