"""Whether this machine has what Bluetooth needs: a radio, and the service that runs it."""

import asyncio
import sys
from pathlib import Path
from typing import Final

from models.errors import AudioError

_RADIOS: Final = Path("/sys/class/bluetooth")
_ANSWER_WITHIN_S: Final = 5.0


def radios(folder: Path = _RADIOS) -> list[str]:
    """Return the names of the radios that the kernel knows, such as hci0; Linux only."""
    # A connection stands there, too, as hci0:12.
    return sorted(path.name for path in folder.glob("hci*") if ":" not in path.name)


def check_service() -> None:
    """Ask the system's message bus for BlueZ; elsewhere than on Linux the system has its own and nothing is asked.

    Raises:
        AudioError: bluetooth_service_missing.
    """
    if sys.platform != "linux":
        return
    try:
        runs = asyncio.run(asyncio.wait_for(_bluez_runs(), _ANSWER_WITHIN_S))
    except (OSError, TimeoutError) as error:
        raise _missing(f"the system's message bus does not answer: {error}") from error
    if not runs:
        raise _missing("BlueZ does not run")


def _missing(why: str) -> AudioError:
    return AudioError(
        why,
        code="bluetooth_service_missing",
        permanent=False,
        advice="Install and start it (Debian and Ubuntu: apt install bluez; systemctl enable --now bluetooth).",
    )


async def _bluez_runs() -> bool:
    # Comes with bleak, on Linux only.
    from dbus_fast import BusType, Message, MessageType
    from dbus_fast.aio import MessageBus

    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        answer = await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="NameHasOwner",
                signature="s",
                body=["org.bluez"],
            )
        )
        return answer is not None and answer.message_type is MessageType.METHOD_RETURN and bool(answer.body[0])
    finally:
        bus.disconnect()
