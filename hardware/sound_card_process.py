"""The process of one sound card: `python -m hardware.sound_card_process REQUEST`.

A sound server that hangs, hangs every call into PortAudio for good, closing included; so each open device has a
process of its own that can be killed. It writes what it hears to its standard output, as `sound_card_wire` has it,
and ends without a word to PortAudio when its standard input ends, which it also does when our process dies.
PortAudio's list of devices is as old as its process; so listing them starts a new one, too.
"""

import json
import os
import signal
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, BinaryIO, NoReturn

from hardware import sound_server
from hardware.sound_card_wire import Head, Kind

LISTS: dict[str, Any] = {"list": True}
"""The request that prints PortAudio's inputs as one JSON object."""

# Beside looking whenever the sound server says that something has changed.
_LOOKS_EVERY_S = 5.0
_EMPTIED_WITHIN_S = 1.0

_NO_SUCH_RATE = -9997
_NO_SO_MANY_CHANNELS = -9998
_THE_SOUND_SERVER = "pulse"


class _Outlet:
    """Carries messages to the pipe in a thread, so that PortAudio's thread never waits for it."""

    def __init__(self, pipe: BinaryIO, *, held_bytes: int) -> None:
        self._pipe = pipe
        self._most_bytes = held_bytes
        self._waiting: deque[bytes] = deque()
        self._held_bytes = 0
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._carry, name="outlet", daemon=True)
        self._thread.start()

    def offer(self, head: Head, body: bytes) -> None:
        """Take audio, unless too much is held already: the next head's `first_sample` tells of it."""
        with self._changed:
            if self._held_bytes + len(body) <= self._most_bytes:
                self._put(head.packed() + body)

    def say(self, kind: Kind, **values: object) -> None:
        """Take a message."""
        body = json.dumps(values).encode()
        with self._changed:
            self._put(Head(kind, len(body)).packed() + body)

    def end(self) -> None:
        """Wait until all is carried, but not for long."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(timeout=_EMPTIED_WITHIN_S)

    def _put(self, message: bytes) -> None:
        self._waiting.append(message)
        self._held_bytes += len(message)
        self._changed.notify()

    def _carry(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    return
                message = self._waiting.popleft()
                self._held_bytes -= len(message)
            try:
                self._pipe.write(message)
                self._pipe.flush()
            except BrokenPipeError:
                _vanish()


class _Capture:
    """PortAudio's callbacks: they copy and count."""

    def __init__(self, outlet: _Outlet, *, changed: threading.Event) -> None:
        self._outlet = outlet
        self._samples = 0
        self._changed = changed
        self.has_ended = False

    def take(self, indata: Any, frames: int, _when: object, _flags: object) -> None:
        body = bytes(indata)
        self._outlet.offer(Head(Kind.AUDIO, len(body), self._samples, time.monotonic_ns()), body)
        self._samples += frames

    def finished(self) -> None:
        self.has_ended = True
        self._changed.set()


class _Place:
    """Looks after the stream's place in the sound server: it is to hear its own source."""

    def __init__(self, outlet: _Outlet, *, own: str | None) -> None:
        """Name its own source; None for the one that it hears first."""
        self._outlet = outlet
        self._own = own
        self._hears: str | None = None
        self._own_vanished = False

    def look(self) -> None:
        """Tell where the stream is when that has changed; take it back to its own source when that is there again.

        Somebody who moves it while its own source is there means it, and is not fought.
        """
        try:
            recording = sound_server.recording_of(os.getpid())
            if recording is None:
                return
            there = {source.index: source.name for source in sound_server.sources()}
            hears = there.get(recording.source)
            self._own = self._own or hears
            if hears != self._own and self._own_vanished and self._own in there.values():
                sound_server.move(recording, str(self._own))
                hears = self._own
        except sound_server.SoundServerError:
            # Without one there is nothing to look after; one that hangs is told by the audio that stays away.
            return
        self._own_vanished = hears != self._own and self._own not in there.values()
        if hears != self._hears:
            self._hears = hears
            self._outlet.say(Kind.SOURCE, hears=hears, own=self._own)


def main(request: dict[str, Any]) -> None:
    """Do what was asked: list the inputs, or capture from one."""
    if request == LISTS:
        json.dump(_inputs(), sys.stdout)
        return
    # Sent to the whole group by `_vanish`; one that is ignored would be ignored by what this process starts, too.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    # ALSA and JACK print where audio goes.
    with os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)
        outlet = _Outlet(pipe, held_bytes=request["held_bytes"])
        threading.Thread(target=_follow_our_process, args=(outlet,), daemon=True).start()
        _capture(request, outlet)
        outlet.end()
        _vanish()


def _capture(request: dict[str, Any], outlet: _Outlet) -> None:
    changed = threading.Event()
    capture = _Capture(outlet, changed=changed)
    if request["convert"]:
        # PortAudio then opens ALSA's plughw:1 where it would open hw:1.
        os.environ["PA_ALSA_PLUGHW"] = "1"
    try:
        # Loading it starts PortAudio.
        import sounddevice
    except (OSError, ModuleNotFoundError) as error:
        outlet.say(Kind.FAILED, code="portaudio_missing", message=str(error))
        return
    device = request["device"]
    source = _source(device)
    if source is not None:
        if not source.gives(request["channels"]):
            why = f"the sound server has its channels as {', '.join(source.channel_map)} and would mix them anew"
            outlet.say(Kind.FAILED, code="microphone_format", message=why)
            return
        os.environ["PULSE_SOURCE"] = source.name
        device = _THE_SOUND_SERVER
    try:
        stream = sounddevice.RawInputStream(
            device=int(device) if device is not None and device.isdecimal() else device,
            samplerate=request["rate_hz"],
            channels=request["channels"],
            dtype=request["dtype"],
            latency=0.2,
            callback=capture.take,
            finished_callback=capture.finished,
        )
        stream.start()
    except (sounddevice.PortAudioError, ValueError) as error:
        unfit = len(error.args) > 1 and error.args[1] in (_NO_SUCH_RATE, _NO_SO_MANY_CHANNELS)
        code = "microphone_format" if unfit else "microphone_not_opened"
        outlet.say(Kind.FAILED, code=code, message=str(error.args[0]))
        return
    place = _Place(outlet, own=source.name if source else None)
    threading.Thread(target=_follow_the_sound_server, args=(changed,), daemon=True).start()
    while not capture.has_ended:
        place.look()
        changed.wait(_LOOKS_EVERY_S)
        changed.clear()
    outlet.say(Kind.FAILED, code="microphone_lost", message="the system has ended the stream")


def _follow_the_sound_server(changed: threading.Event) -> None:
    """Look at once when something moves there."""
    try:
        for _ in sound_server.changes():
            changed.set()
    except sound_server.SoundServerError:
        return  # without a sound server nothing moves in one


def _source(device: str | None) -> sound_server.Source | None:
    """Return what the sound server calls so; None where nothing is, or no sound server runs."""
    try:
        return next((source for source in sound_server.sources() if source.name == device), None)
    except sound_server.SoundServerError:
        return None


def _follow_our_process(outlet: _Outlet) -> None:
    while sys.stdin.buffer.read(1):
        pass
    outlet.end()
    _vanish()


def _vanish() -> NoReturn:
    """End without PortAudio, but not before what this process has started; they are a group of their own."""
    os.killpg(os.getpgid(0), signal.SIGTERM)
    with suppress(ChildProcessError):  # none is left; one that stays for 0.5 s is not waited for
        for _ in range(100):
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.005)
    os._exit(0)


def _inputs() -> dict[str, Any]:
    try:
        import sounddevice
    except (OSError, ModuleNotFoundError) as error:
        return {"error": str(error), "inputs": []}
    inputs = [
        {"name": device["name"], "channels": device["max_input_channels"]}
        for device in sounddevice.query_devices()
        if device["max_input_channels"] > 0
    ]
    return {"error": "", "inputs": inputs}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
