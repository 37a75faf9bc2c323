"""Media files become 16 kHz mono in continuous time, whatever they hold; what is broken says so."""

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, AudioGap, GapReason
from hardware.media_file import Clock, MediaFileSource, Pace
from models.errors import AudioError

TONE_HZ = 440


def tone(*, seconds: float, rate_hz: int, channels: int = 1) -> np.ndarray:
    """A sine of 440 Hz at half of full scale, shape (channels, n)."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.tile((0.5 * np.sin(2 * np.pi * TONE_HZ * time_s)).astype(np.float32), (channels, 1))


def write_media(path: Path, *, codec: str, rate_hz: int, layout: str, samples: np.ndarray, video: bool = False) -> Path:
    """Encode samples, shape (channels, n), with FFmpeg; with a picture track when asked."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        if video:
            picture = container.add_stream("mpeg4", rate=5)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
            for at in range(5):
                image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), dtype=np.uint8), format="rgb24")
                image.pts, image.time_base = at, Fraction(1, 5)
                container.mux(picture.encode(image))
            container.mux(picture.encode(None))
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        resampler = av.AudioResampler(
            format=stream.format, layout=layout, rate=rate_hz, frame_size=stream.codec_context.frame_size or 1024
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def heard(path: Path, *, pace: Pace = Pace.FAST) -> tuple[np.ndarray, list[AudioGap], int]:
    """Everything a file gives: samples, gaps, end in ms; fails when time is not continuous."""
    now_ms, parts, gaps = 0, [], []
    for item in MediaFileSource(path, pace=pace).frames():
        assert item.start_ms == now_ms
        assert item.end_ms > item.start_ms
        now_ms = item.end_ms
        if isinstance(item, AudioFrame):
            assert item.samples.dtype == np.float32
            parts.append(item.samples)
        else:
            gaps.append(item)
    return np.concatenate(parts), gaps, now_ms


def loudest_hz(samples: np.ndarray) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * SAMPLE_RATE_HZ / len(samples))


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "layout", "channels"),
    [
        ("studio.wav", "pcm_s24le", 96_000, "7.1", 8),
        ("telephone.wav", "pcm_s16le", 8_000, "mono", 1),
        ("float.wav", "pcm_f32le", 44_100, "stereo", 2),
        ("a.flac", "flac", 48_000, "stereo", 2),
        ("a.mp3", "libmp3lame", 44_100, "stereo", 2),
        ("a.m4a", "aac", 44_100, "stereo", 2),
        ("a.opus", "libopus", 48_000, "mono", 1),
        ("a.ogg", "libopus", 48_000, "stereo", 2),
        ("a.mkv", "libopus", 48_000, "stereo", 2),
    ],
)
def test_any_format_becomes_16_khz_mono(
    tmp_path: Path, name: str, codec: str, rate_hz: int, layout: str, channels: int
) -> None:
    """A tone keeps its pitch and its length in every format, rate and channel count."""
    path = write_media(
        tmp_path / name,
        codec=codec,
        rate_hz=rate_hz,
        layout=layout,
        samples=tone(seconds=2.0, rate_hz=rate_hz, channels=channels),
    )
    samples, gaps, end_ms = heard(path)
    assert gaps == []
    assert loudest_hz(samples) == pytest.approx(TONE_HZ, abs=2)
    assert end_ms == pytest.approx(2000, abs=90)  # encoders pad by up to two of their frames
    assert np.abs(samples).max() > 0.2


@pytest.mark.parametrize("channels", [3, 6, 8, 16])
def test_an_array_without_a_channel_layout_is_mixed(tmp_path: Path, channels: int) -> None:
    """A microphone array's file that does not say where its channels are is heard all the same."""
    path = tmp_path / "array.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((tone(seconds=1.0, rate_hz=16_000, channels=channels).T * 32_767).astype("<i2").tobytes())
    samples, _, end_ms = heard(path)
    assert end_ms == 1000
    assert loudest_hz(samples) == pytest.approx(TONE_HZ, abs=2)
    assert np.abs(samples).max() > 0.1


def test_the_sound_of_a_video_is_heard(tmp_path: Path) -> None:
    """A video file gives its audio track."""
    path = write_media(
        tmp_path / "shop.mp4",
        codec="aac",
        rate_hz=48_000,
        layout="stereo",
        samples=tone(seconds=1.0, rate_hz=48_000, channels=2),
        video=True,
    )
    samples, _, _ = heard(path)
    assert loudest_hz(samples) == pytest.approx(TONE_HZ, abs=3)


def test_frames_are_256_ms_until_the_last(tmp_path: Path) -> None:
    """The detector gets whole windows: every frame but the last has 4096 samples."""
    path = write_media(
        tmp_path / "a.wav",
        codec="pcm_s16le",
        rate_hz=44_100,
        layout="mono",
        samples=tone(seconds=1.5, rate_hz=44_100),
    )
    lengths = [
        len(item.samples) for item in MediaFileSource(path, pace=Pace.FAST).frames() if isinstance(item, AudioFrame)
    ]
    assert set(lengths[:-1]) == {4096}
    assert 0 < lengths[-1] <= 4096


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    """A path that names nothing says so."""
    assert_fails(tmp_path / "none.wav", code="media_not_found")


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    """No bytes: the recording was never finished."""
    (tmp_path / "empty.wav").touch()
    assert_fails(tmp_path / "empty.wav", code="media_empty")


def test_a_recording_of_no_length_is_empty(tmp_path: Path) -> None:
    """A header without a sample after it holds no audio."""
    path = write_media(
        tmp_path / "header.wav",
        codec="pcm_s16le",
        rate_hz=16_000,
        layout="mono",
        samples=tone(seconds=0.1, rate_hz=16_000),
    )
    header = path.read_bytes()
    path.write_bytes(header[: header.index(b"data") + 4] + (0).to_bytes(4, "little"))
    assert_fails(path, code="media_empty")


@pytest.mark.parametrize("content", [b"\x00" * 5000, b"this is a letter, not a recording\n" * 100, b"\xff\xfb"])
def test_bytes_that_are_no_media_are_unreadable(tmp_path: Path, content: bytes) -> None:
    """Whatever FFmpeg does not know is refused with advice."""
    (tmp_path / "broken.mp3").write_bytes(content)
    assert_fails(tmp_path / "broken.mp3", code="media_unreadable")


def test_a_folder_is_unreadable(tmp_path: Path) -> None:
    """A folder is no recording."""
    assert_fails(tmp_path, code="media_unreadable")


def test_a_picture_without_sound_says_so(tmp_path: Path) -> None:
    """A file without an audio track is told apart from a broken one."""
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), dtype=np.uint8), format="rgb24")
        container.mux(picture.encode(image))
        container.mux(picture.encode(None))
    assert_fails(path, code="media_without_sound")


@pytest.mark.parametrize(
    ("name", "codec"), [("half.opus", "libopus"), ("half.mp3", "libmp3lame"), ("half.wav", "pcm_s16le")]
)
def test_a_truncated_recording_gives_what_is_there(tmp_path: Path, name: str, codec: str) -> None:
    """A copy that broke off half-way is heard up to where it breaks off."""
    path = write_media(
        tmp_path / name, codec=codec, rate_hz=48_000, layout="mono", samples=tone(seconds=4.0, rate_hz=48_000)
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    samples, _, end_ms = heard(path)
    assert 1000 < end_ms < 3500
    assert loudest_hz(samples) == pytest.approx(TONE_HZ, abs=2)


def test_a_file_shorter_than_it_says_ends_in_a_gap(tmp_path: Path) -> None:
    """Where the file knows its length, what was cut off is counted as lost."""
    path = write_media(
        tmp_path / "half.flac", codec="flac", rate_hz=48_000, layout="mono", samples=tone(seconds=4.0, rate_hz=48_000)
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    _, gaps, end_ms = heard(path)
    assert end_ms == 4000
    assert [gap.reason for gap in gaps] == [GapReason.DECODE_ERROR]
    assert gaps[0].end_ms == 4000


def test_damage_in_the_middle_is_a_gap_and_decoding_goes_on(tmp_path: Path) -> None:
    """Overwritten bytes cost their own stretch of time; the end of the file is still heard at its time."""
    path = write_media(
        tmp_path / "scratched.ogg",
        codec="libopus",
        rate_hz=48_000,
        layout="mono",
        samples=tone(seconds=10.0, rate_hz=48_000) * np.linspace(0.2, 1, 480_000, dtype=np.float32),
    )
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    _, gaps, end_ms = heard(path)
    assert {gap.reason for gap in gaps} == {GapReason.DECODE_ERROR}
    assert sum(gap.end_ms - gap.start_ms for gap in gaps) > 50
    assert end_ms == pytest.approx(10_000, abs=150)


def test_a_play_list_opens_nothing(tmp_path: Path) -> None:
    """A file that names an address is refused, so that media never reaches for the network."""
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    assert_fails(tmp_path / "list.m3u8", code="media_unreadable")


def test_a_closed_source_ends(tmp_path: Path) -> None:
    """After close the iterator ends at its next frame."""
    path = write_media(
        tmp_path / "a.wav",
        codec="pcm_s16le",
        rate_hz=16_000,
        layout="mono",
        samples=tone(seconds=5.0, rate_hz=16_000),
    )
    source = MediaFileSource(path, pace=Pace.FAST)
    frames = source.frames()
    next(frames)
    source.close()
    assert list(frames) == []


class SettableClock:
    """A clock whose sleep lets its time pass at once."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_real_pace_waits_until_a_frame_would_have_been_spoken(tmp_path: Path) -> None:
    """At real pace a file of 2 s takes 2 s of the clock, and no frame comes before its end."""
    path = write_media(
        tmp_path / "a.wav",
        codec="pcm_s16le",
        rate_hz=16_000,
        layout="mono",
        samples=tone(seconds=2.0, rate_hz=16_000),
    )
    clock = SettableClock()
    source = MediaFileSource(path, pace=Pace.REAL, clock=Clock(now_s=lambda: clock.now, sleep_s=clock.sleep))
    items = list(source.frames())
    assert items[-1].end_ms == 2000
    assert sum(clock.slept) == pytest.approx(2.0)
    assert max(clock.slept) <= 0.2561


def assert_fails(path: Path, *, code: str) -> None:
    """Reading the file raises an AudioError with this code, a message with the file's name, and advice."""
    with pytest.raises(AudioError) as caught:
        heard(path)
    assert caught.value.code == code
    assert path.name in caught.value.message
    assert caught.value.advice


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a", "a.ogg"])
def test_a_file_tells_its_length_before_it_is_decoded(tmp_path: Path, name: str) -> None:
    """What the container declares is the length of the sound, within a codec's padding."""
    codec = {"a.wav": "pcm_s16le", "a.flac": "flac", "a.m4a": "aac", "a.ogg": "libopus"}[name]
    path = write_media(
        tmp_path / name, codec=codec, rate_hz=48_000, layout="mono", samples=tone(seconds=2, rate_hz=48_000)
    )
    assert MediaFileSource(path, pace=Pace.FAST).declared_ms() == pytest.approx(2_000, abs=60)
