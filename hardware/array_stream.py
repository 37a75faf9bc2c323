"""What the microphones of an array hear, as one beam and its directions, in blocks of 64 ms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hardware.array_beamforming import Weights, superdirective
from hardware.array_direction import DirectionFinder, power_from
from hardware.array_geometry import BINS, WINDOW_SAMPLES
from hardware.array_profile import ArrayProfile
from hardware.array_watch import ArrayWatch, Whole
from hardware.audio import DIRECTIONS, SAMPLE_RATE_HZ, Directions, Samples

HOP_SAMPLES: Final = WINDOW_SAMPLES // 2
_WINDOWS: Final = 4
BLOCK_SAMPLES: Final = _WINDOWS * HOP_SAMPLES
"""64 ms at 16 kHz. Blocks begin at fixed places of the stream, so what comes out does not depend on how it was cut."""

LATENCY_MS: Final = (BLOCK_SAMPLES + HOP_SAMPLES) * 1000 // SAMPLE_RATE_HZ
"""How long a sample waits at most: until its block is full, and for the half window that overlaps the next block."""

# 16 samples of the output to each side: 1 ms of delay, flat to 7 kHz, 80 dB down from 9.4 kHz on (which is 6.6 again).
_TAPS_PER_STEP = 32

# Over 0.3 s a talker is told from the syllables of others; turning late costs less than turning wrongly.
_REMEMBERED_OF_A_BLOCK = 0.8
# Another side must be heard 5 % more power from than the one listened to.
_TURNS_FROM = 1.05

MultiChannel = npt.NDArray[np.float32]
"""Shape (n, channels), full scale ±1."""


@dataclass(frozen=True, slots=True, eq=False)
class Beam:
    """A stretch of what an array heard."""

    samples: Samples
    directions: Directions
    """Of the windows that end in the same block as these samples."""


class ArrayStream:
    """All channels of an array to one: superdirective toward whichever of the given sides speaks.

    A beam that keeps two sides at once gains less than one that turns, and one that stays with the customer hears staff
    worse than a single microphone does.

    The beam is in step with its input: sample n of it is sample n of the microphones (1 ms later where the rate was
    reduced). Windows of 32 ms overlap by half, weighted with the square root of Hann before and after, so a change of
    the sides fades in within 16 ms.

    While a microphone hears nothing that its neighbours hear, beams and directions would be wrong: the stream is then
    one channel, and its directions are zeros.
    """

    def __init__(self, profile: ArrayProfile) -> None:
        """Prepare for one array; it hears its processed channel, or the microphone nearest to its centre."""
        self._profile = profile
        self._positions = profile.positions
        alone = () if profile.processed_channel is None else (profile.processed_channel,)
        self._channels = np.array([*profile.microphone_channels, *alone])
        self._finder = DirectionFinder(self._positions)
        self._watch = ArrayWatch(len(self._positions))
        self._all: Whole = np.ones(len(self._positions), dtype=np.bool_)
        self._whole = self._all
        self._decimation = _Decimation(profile.rate_hz // SAMPLE_RATE_HZ, channels=len(self._channels))
        self._block_rows = BLOCK_SAMPLES * profile.rate_hz // SAMPLE_RATE_HZ
        # Periodic, so that two squares half a window apart add up to 1.
        self._window = np.sqrt(np.hanning(WINDOW_SAMPLES + 1)[:-1]).astype(np.float32)
        self.look_toward()
        self.reset()

    def look_toward(self, *sides_deg: float | None) -> None:
        """Listen to these sides from the next block on, in the array's own angles; None stands for a side not known.

        Of several sides the beam turns to the one that is heard most power from, the first to begin with. With none
        known it is the channel that the device has processed by itself, or the microphone nearest to the centre.
        """
        known = tuple(side for side in sides_deg if side is not None)
        self._aim = _Aim(known, [self._toward(side) for side in known] or [self._one_channel(self._all)])

    @property
    def deaf_channels(self) -> tuple[int, ...]:
        """The device's channels that should be microphones and hear nothing."""
        return tuple(np.array(self._profile.microphone_channels)[~self._whole].tolist())

    def reset(self) -> None:
        """Forget what was heard: the stream begins anew."""
        self._held = np.zeros((0, len(self._channels)), dtype=np.float32)
        self._history = np.zeros((HOP_SAMPLES, len(self._channels)), dtype=np.float32)
        self._overlap = np.zeros(HOP_SAMPLES, dtype=np.float32)
        self._decimation.reset()
        self._watch.reset()
        self._lately: Directions = np.zeros(DIRECTIONS, dtype=np.float32)
        self._received_rows = 0
        self._given = -HOP_SAMPLES

    def push(self, samples: MultiChannel) -> Iterator[Beam]:
        """Take samples of any number, shape (n, the device's channels); give the blocks that are full."""
        self._received_rows += len(samples)
        self._held = np.concatenate([self._held, samples[:, self._channels]])
        while len(self._held) >= self._block_rows:
            block, self._held = np.split(self._held, [self._block_rows])
            yield self._block(block)

    def flush(self) -> Iterator[Beam]:
        """Give what is still held, as much as was pushed, and begin anew."""
        wanted = self._received_rows * SAMPLE_RATE_HZ // self._profile.rate_hz
        silence = np.zeros((self._block_rows, self._profile.channels), dtype=np.float32)
        while (missing := wanted - max(0, self._given)) > 0:
            last = next(self.push(silence))
            yield Beam(last.samples[:missing], last.directions)
        self.reset()

    def _block(self, block: MultiChannel) -> Beam:
        reduced = self._decimation.push(block)
        self._whole = self._watch.push(reduced)
        joined = np.concatenate([self._history, reduced])
        self._history = joined[-HOP_SAMPLES:]
        windows = np.lib.stride_tricks.sliding_window_view(joined, WINDOW_SAMPLES, axis=0)[::HOP_SAMPLES]
        spectra = np.fft.rfft(windows * self._window).astype(np.complex64, copy=False)
        directions = self._finder.power(spectra[:, : len(self._positions)]) * np.float32(self._whole.all())
        self._lately = _REMEMBERED_OF_A_BLOCK * self._lately + (1 - _REMEMBERED_OF_A_BLOCK) * directions
        weights = self._aim.toward(self._lately) if self._whole.all() else self._one_channel(self._whole)
        spoken = np.einsum("fc,tcf->tf", weights, spectra)
        pieces = np.fft.irfft(spoken, n=WINDOW_SAMPLES).astype(np.float32) * self._window
        samples = pieces[:, :HOP_SAMPLES].copy()
        samples[0] += self._overlap
        samples[1:] += pieces[:-1, HOP_SAMPLES:]
        self._overlap = pieces[-1, HOP_SAMPLES:]
        before_start = max(0, -self._given)
        self._given += BLOCK_SAMPLES
        return Beam(samples.reshape(-1)[before_start:], directions)

    def _toward(self, side_deg: float) -> Weights:
        weights = np.zeros((BINS, len(self._channels)), dtype=np.complex64)
        weights[:, : len(self._positions)] = superdirective(self._positions, side_deg)
        return weights

    def _one_channel(self, whole: Whole) -> Weights:
        weights = np.zeros((BINS, len(self._channels)), dtype=np.complex64)
        nearest = int(np.argmin(np.where(whole, np.linalg.norm(self._positions, axis=1), np.inf)))
        weights[:, nearest if self._profile.processed_channel is None else -1] = 1
        return weights


class _Aim:
    """Which of some sides is listened to."""

    def __init__(self, sides_deg: Sequence[float], beams: Sequence[Weights]) -> None:
        self._sides_deg = sides_deg
        self._beams = beams
        self._at = 0

    def toward(self, lately: Directions) -> Weights:
        """Return the weights for the side that most power came from."""
        powers = [power_from(lately, side) for side in self._sides_deg]
        if powers and max(powers) > _TURNS_FROM * powers[self._at]:
            self._at = int(np.argmax(powers))
        return self._beams[self._at]


class _Decimation:
    """A whole multiple of 16 kHz to 16 kHz: a windowed-sinc low-pass, every n-th sample of it."""

    def __init__(self, factor: int, *, channels: int) -> None:
        self._factor = factor
        self._channels = channels
        taps = np.arange(-_TAPS_PER_STEP * factor // 2, _TAPS_PER_STEP * factor // 2 + 1)
        kernel = np.sinc(taps / factor) * np.kaiser(len(taps), 8.0)
        self._kernel = (kernel / kernel.sum()).astype(np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget what was pushed."""
        self._history = np.zeros((len(self._kernel) - 1, self._channels), dtype=np.float32)

    def push(self, samples: MultiChannel) -> MultiChannel:
        """Take a whole number of steps; give one sample for each."""
        if self._factor == 1:
            return samples
        joined = np.concatenate([self._history, samples])
        self._history = joined[-len(self._history) :]
        steps = np.lib.stride_tricks.sliding_window_view(joined, len(self._kernel), axis=0)[:: self._factor]
        reduced: MultiChannel = steps @ self._kernel
        return reduced
