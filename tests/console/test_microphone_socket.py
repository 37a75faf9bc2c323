"""Claims about the WebSocket microphone: the real console, a real WebSocket client, real time."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from edge_agent.console.microphone_tokens import MicrophoneTokenError
from hardware.ble_opus import OpusDecoder
from hardware.network_frames import WireFrame, frame_bytes
from hardware.network_microphone import NetworkMicrophone
from hardware.signals import Battery, Button, Link, Press, Signal
from support.network_speaker import Heard, listening, opus_packets, pcm_messages, tone
from support.programs import BIN, run, wait_until
from support.running_console import RunningConsole
from support.speaking import hello, speaking


def stream(socket: ClientConnection, messages: Iterable[bytes], *, frame_s: float = 0.02) -> None:
    """Send frames at the pace at which they are spoken."""
    started_s = time.monotonic()
    for n, message in enumerate(messages):
        time.sleep(max(0.0, started_s + (n + 1) * frame_s - time.monotonic()))
        socket.send(message)


def sent_away(console: RunningConsole, *messages: str | bytes) -> tuple[int, str]:
    """Return the code and reason with which a speaker that sends these is sent away."""
    with connect(console.microphone_url, proxy=None) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            for message in messages:
                socket.send(message)
            while True:
                socket.recv(timeout=30)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason


@contextmanager
def opened(console: RunningConsole) -> Iterator[tuple[Heard, NetworkMicrophone, list[Signal]]]:
    """Open the network microphone as a shift does, and listen to it."""
    signals: list[Signal] = []
    source = NetworkMicrophone(door=console.door, on_signal=signals.append)
    with listening(source) as heard:
        wait_until(lambda: bool(heard.items), what="microphone open")
        yield heard, source, signals


def test_pcm_arrives_byte_by_byte(console: RunningConsole) -> None:
    """What a speaker sends as 16-bit samples is what is heard."""
    sent, token = tone(1.5), console.token()
    with opened(console) as (heard, source, _), speaking(console.microphone_url, token) as socket:
        stream(socket, pcm_messages(sent))
        wait_until(lambda: source.counts.taken == 75, what="all frames taken")
    assert heard.samples().tobytes() == sent.tobytes()


def test_opus_arrives_as_its_packets_decode(console: RunningConsole) -> None:
    """Raw Opus packets are heard as libopus decodes the same packets."""
    packets, token = opus_packets(tone(1.0)), console.token()
    with (
        opened(console) as (heard, source, _),
        speaking(console.microphone_url, token, encoding="opus", frame_ms=20) as socket,
    ):
        stream(socket, [frame_bytes(WireFrame(n, n * 20_000, packet)) for n, packet in enumerate(packets)])
        wait_until(lambda: source.counts.taken == len(packets), what="all packets taken")
    decoder = OpusDecoder(frame_ms=20)
    expected = np.concatenate([decoder.decode(packet) for packet in packets])[::3]
    given = heard.samples() / 32768
    assert abs(len(given) - len(expected)) < 400
    for part in (slice(2000, 6000), slice(8000, 12_000)):
        assert np.sqrt(np.mean(given[part] ** 2)) == pytest.approx(np.sqrt(np.mean(expected[part] ** 2)), rel=0.02)


def test_frames_that_were_lost_are_a_gap_and_a_new_connection_goes_on(console: RunningConsole) -> None:
    """Half a second that is missing in the numbers, and the time between two connections, are lost time."""
    messages, token = pcm_messages(tone(3.0)), console.token()
    with opened(console) as (heard, source, signals):
        with speaking(console.microphone_url, token) as socket:
            stream(socket, messages[:25])
            time.sleep(0.5)
            stream(socket, messages[50:75])
            wait_until(lambda: source.counts.taken == 50, what="frames taken")
        wait_until(lambda: Link(connected=False, reason="disconnected") in signals, what="link gone")
        lost_ms = heard.lost_ms()
        wait_until(lambda: heard.lost_ms() > lost_ms, what="the gap grows while nobody speaks")
        with speaking(console.microphone_url, token) as socket:
            stream(socket, messages[:25])
            wait_until(lambda: source.counts.taken == 75, what="frames of the second connection taken")
    middle = [gap for gap in heard.gaps if 400 <= gap.end_ms - gap.start_ms <= 800]
    assert middle
    assert len(heard.samples()) == 75 * 320


def test_battery_and_button_reach_the_agent(console: RunningConsole) -> None:
    """What a speaker says besides audio is handed on; the loopback counts as private."""
    with opened(console) as (_, _source, signals), speaking(console.microphone_url, console.token()) as socket:
        socket.send('{"type": "battery", "percent": 63}')
        socket.send('{"type": "button"}')
        wait_until(lambda: len(signals) >= 3, what="signals")
        assert signals[:3] == [Link(connected=True, reason="", encrypted=True), Battery(63), Button(Press.SINGLE)]


def test_without_a_valid_token_nobody_is_heard(console: RunningConsole) -> None:
    """A wrong token, a revoked one and one that was replaced are refused alike."""
    revoked, replaced = console.token("old"), console.token("lobby")
    console.tokens.revoke("old")
    console.token("lobby")
    with opened(console) as (_, source, _signals):
        for token in ("", "wrong", revoked, replaced):
            assert sent_away(console, hello(token)) == (4401, "wrong_token")
        assert source.counts.taken == 0


def test_tokens_are_kept_as_hashes(console: RunningConsole) -> None:
    """The file holds no token, and only its owner may read it."""
    token = console.token()
    file = console.folder / "microphone-tokens.json"
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(MicrophoneTokenError):
        console.tokens.revoke("nobody")


def test_the_command_makes_lists_and_revokes_tokens(console: RunningConsole) -> None:
    """`voicetrail-edge microphone-token` does what the console then goes by."""
    command = (BIN / "voicetrail-edge", "microphone-token", "--data", console.folder, "--json")
    made = json.loads(run(*command, "--name", "door").stdout)
    assert console.tokens.owner(made["token"]) == "door"
    assert [one["name"] for one in json.loads(run(*command).stdout)] == ["door"]
    run(*command, "--name", "door", "--revoke")
    assert console.tokens.owner(made["token"]) is None
    run(*command, "--name", "door", "--revoke", expect=2)


def test_a_second_speaker_is_told_that_one_is_heard(console: RunningConsole) -> None:
    """Two places cannot be heard as one."""
    lobby, robot = console.token("lobby"), console.token("robot")
    with opened(console), speaking(console.microphone_url, lobby) as socket:
        stream(socket, pcm_messages(tone(0.1)))
        assert sent_away(console, hello(robot)) == (4409, "speaker_busy")


def test_a_speaker_that_comes_without_a_shift_is_told_to_come_again(console: RunningConsole) -> None:
    """No shift, no microphone: nothing that is said before it is taken."""
    assert sent_away(console, hello(console.token())) == (4503, "no_shift")


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        (["no json"], 4400, "bad_hello"),
        ([b"\0" * 100], 4400, "bad_hello"),
        (["HELLO", "no json"], 4400, "bad_message"),
        (["HELLO", b""], 4400, "bad_frame"),
        (["HELLO", b"\0" * 12], 4400, "bad_frame"),
        (["HELLO", b"\0" * 15], 4400, "bad_frame"),
        (["HELLO", b"\0" * 64_012], 4400, "bad_frame"),
    ],
)
def test_garbage_is_sent_away_with_a_reason(
    console: RunningConsole, messages: list[str | bytes], code: int, reason: str
) -> None:
    """Whatever is not as it was agreed ends the connection with a code that says why, and nothing is heard."""
    token = console.token()
    with opened(console) as (_, source, _signals):
        said = [hello(token) if message == "HELLO" else message for message in messages]
        assert sent_away(console, *said) == (code, reason)
        assert source.counts.taken == 0


def test_opus_that_is_none_ends_the_connection(console: RunningConsole) -> None:
    """Packets that never decode are no speaker."""
    token = console.token()
    garbage = [frame_bytes(WireFrame(n, n * 20_000, b"\xff\xff\xff")) for n in range(60)]
    with opened(console):
        assert sent_away(console, hello(token, encoding="opus"), *garbage) == (4400, "bad_frame")


def test_what_is_sent_is_heard_by_the_shift(console: RunningConsole) -> None:
    """The agent's snapshot shows the speaker's sound while it comes, and says that nothing is heard when it ends."""
    console.agent.begin_shift(staff="S-07")

    def hears() -> bool:
        return console.agent.snapshot().microphone.hearing

    with speaking(console.microphone_url, console.token()) as socket:
        stream(socket, pcm_messages(tone(1.5)))
        wait_until(hears, what="the agent hears")
        level = console.agent.snapshot().microphone.level_dbfs
        assert level is not None
        assert -20 < level < -10
    wait_until(lambda: not hears(), what="the agent says that it does not hear")
    assert console.agent.snapshot().microphone.trouble == "link_lost"
