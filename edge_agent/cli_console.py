"""The commands of the counter: the agent with its console, and the console's PIN."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edge_agent import cli_options as options
from edge_agent.agent.agent import CounterAgent
from edge_agent.agent.parts import AgentParts
from edge_agent.agent.service_manager import ServiceManager
from edge_agent.agent.shift import Place
from edge_agent.captions import Captions
from edge_agent.cli_options import Invocation
from edge_agent.console.app import ConsoleSettings, create_app
from edge_agent.console.pin import PinFile
from edge_agent.console.serving import Address, ConsoleServer
from edge_agent.device import Device, recording_alone
from edge_agent.kept_sides import kept_sides
from edge_agent.session import load_hearing
from edge_agent.sides import Sides
from hardware.array_source import ArraySource
from hardware.audio import AudioSource
from hardware.microphones import open_microphone
from hardware.signals import OnSignal
from hardware.supervised import Supervised

if TYPE_CHECKING:
    from edge_agent.answer_scoring import AnswerScoring
    from edge_agent.recognition import Recogniser

_ALIVE_EVERY_S: Final = 1.0
_ENDS_WITHIN_S: Final = 20.0
"""For what was heard last to be written down, and again for it to be delivered; the rest stays sealed."""


def console(
    *,
    site: options.Site,
    staff: Annotated[str, typer.Option("--staff", help="Who works here; another one can sign on in the console.")] = "",
    channel: options.Channel = "counter",
    microphone: Annotated[
        str, typer.Option("--microphone", help="Its address, as `voicetrail-edge devices` lists it.")
    ] = "default",
    host: Annotated[
        str, typer.Option("--host", help="Where the console listens; 0.0.0.0 lets phones and tablets in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8700,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="PEM file for https.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="PEM file with the certificate's key.")] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Host name under which the console is reached; repeatable.")
    ] = None,
    data: options.Data = None,
    lang: options.Lang = None,
) -> None:
    """Run the device at the counter with its console, until Ctrl-C or SIGTERM.

    A shift, its encounters and the customers' answers are begun and ended in the console.

    Example:

      voicetrail-edge console --staff S-07 --site bank-01

      voicetrail-edge console --site bank-01 --microphone omi:C0:FF:EE:00:12:34 --host 0.0.0.0
    """
    given = options.invocation(data, lang)
    for option, value in (("--site", site), ("--channel", channel), *([("--staff", staff)] if staff else [])):
        options.check_name(option, value)
    place = Place(staff=staff, site=site, channel=channel)
    address = Address(host=host, port=port, certificate=certificate, key=key)
    device = Device.load(given.folder, settings=given.settings)
    captions = Captions(given.messages, quiet=False)
    sides = kept_sides(given.folder, microphone=microphone) if microphone.startswith("array:") else None
    recogniser = cache(lambda: _recogniser(given))
    parts = AgentParts(
        device=device,
        place=place,
        microphone=microphone,
        open_source=lambda on_signal: Supervised(lambda: _opened(microphone, on_signal, sides), on_signal=on_signal),
        hearing=lambda: load_hearing(
            given.folder, settings=given.settings, messages=given.messages, sides=sides, recogniser=recogniser()
        ),
        scoring=lambda: _scoring(recogniser()),
        sides=sides,
    )
    with recording_alone(given.folder), _asked_to_stop() as stop:
        agent = CounterAgent(parts)
        try:
            settings = ConsoleSettings(folder=given.folder, names=frozenset(name or ()), public_url=address.public_url)
            server = ConsoleServer(create_app(agent, settings=settings), address=address)
            _tell_pin(given, captions)
            server.start()
            captions.note("console", url=address.url)
            _watch_over(agent, stop)
            server.stop()
        finally:
            agent.close(wait_s=_ENDS_WITHIN_S)


def _recogniser(given: Invocation) -> "Recogniser":
    # faster-whisper takes over a second to load, and is not wanted at all where no customer consented.
    from edge_agent.recogniser_loading import load_recogniser

    return load_recogniser(given.settings, messages=given.messages)


def _scoring(recogniser: "Recogniser") -> "AnswerScoring":
    from edge_agent.answer_scoring import AnswerScoring  # as above

    return AnswerScoring(recogniser)


def _opened(address: str, on_signal: OnSignal, sides: Sides | None) -> AudioSource:
    """Return the microphone; an array that is taken up again is turned to the sides that were said."""
    source = open_microphone(address, on_signal=on_signal)
    if sides is not None and isinstance(source, ArraySource):
        sides.turn(source)
    return source


def console_pin(
    *,
    data: options.Data = None,
    pin: Annotated[
        str, typer.Option("--pin", prompt=True, hide_input=True, confirmation_prompt=True, help="6 to 12 digits.")
    ],
    lang: options.Lang = None,
) -> None:
    """Set the PIN of the console anew; everybody has to sign in again.

    Example:

      voicetrail-edge console-pin --data /var/lib/voicetrail
    """
    given = options.invocation(data, lang)
    PinFile(given.folder).set(pin)
    Captions(given.messages, quiet=False).done("pin_set")


def _tell_pin(given: Invocation, captions: Captions) -> None:
    made = PinFile(given.folder).make()
    if made is not None:
        captions.note("pin_made", pin=made)


def _watch_over(agent: CounterAgent, stop: threading.Event) -> None:
    """Tell the service manager how the agent is, until the program is asked to stop."""
    manager = ServiceManager.of()
    manager.ready()
    every_s = _ALIVE_EVERY_S if manager.watchdog_s is None else min(_ALIVE_EVERY_S, manager.watchdog_s / 3)
    while not stop.wait(every_s):
        if agent.is_well():
            manager.alive()
    manager.stopping()


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Give what is set by SIGINT or SIGTERM; a second signal interrupts."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    former = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
