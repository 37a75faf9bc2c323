"""Microphone arrays as data: which channel is what, and where the microphones are."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hardware.audio import SAMPLE_RATE_HZ
from models.errors import AudioError

Positions = npt.NDArray[np.float64]
"""Microphones in metres, shape (microphones, 3)."""

# A sound takes 3 ms through a metre: beyond it the plane waves and the window of the spectrum no longer fit.
_LARGEST_ARRAY_M = 0.5
# At 2 mm the delays between microphones are below a tenth of a sample.
_CLOSEST_MICROPHONES_M = 0.002

_Channel = Annotated[int, Field(ge=0)]
_Coordinate = Annotated[float, Field(allow_inf_nan=False)]


class ArrayProfile(BaseModel):
    """One kind of microphone array."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    """What people call it."""
    names: tuple[str, ...] = ()
    """Parts of the names under which systems list it."""
    usb_id: str = Field(default="", pattern=r"^([0-9A-F]{4}:[0-9A-F]{4})?$")
    """Vendor and product in hexadecimal; empty where it is not known."""
    rate_hz: int
    """A multiple of 16,000."""
    channels: int = Field(ge=2, le=64)
    """What the device delivers in all."""
    processed_channel: _Channel | None = None
    """The channel that the device has cleaned by itself."""
    playback_channel: _Channel | None = None
    """The channel that carries what the device's own speaker plays."""
    microphone_channels: tuple[_Channel, ...]
    """The channels that carry single microphones, untouched."""
    microphones_m: tuple[tuple[_Coordinate, _Coordinate, _Coordinate], ...]
    """Where those are, in the same order: metres from any origin, x and y in the plane of the array, z up."""
    zero: str
    """Where 0° is on the device: the direction of the x axis; angles are counter-clockwise seen from above."""
    source: str
    """Where the geometry comes from."""
    confirmed: bool = False
    """False where a dimension or the order of the channels is not confirmed: try it before relying on directions."""

    @property
    def positions(self) -> Positions:
        """The microphones about their centre, shape (microphones, 3), metres."""
        placed = np.array(self.microphones_m)
        about_centre: Positions = placed - placed.mean(axis=0)
        return about_centre

    def matches(self, device_name: str) -> bool:
        """Say whether a device of this name is such an array; sound servers write spaces as underscores."""
        listed = device_name.casefold().replace("_", " ")
        return any(name.casefold() in listed for name in self.names)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.rate_hz <= 0 or self.rate_hz % SAMPLE_RATE_HZ:
            raise ValueError(f"rate_hz {self.rate_hz} is no multiple of {SAMPLE_RATE_HZ}")
        self._check_channels()
        self._check_geometry()
        return self

    def _check_channels(self) -> None:
        others = [channel for channel in (self.processed_channel, self.playback_channel) if channel is not None]
        used = [*self.microphone_channels, *others]
        if len(set(used)) != len(used):
            raise ValueError("a channel is named twice")
        if max(used, default=0) >= self.channels:
            raise ValueError(f"channel {max(used)} does not exist: the device has {self.channels}, counted from 0")

    def _check_geometry(self) -> None:
        if len(self.microphones_m) != len(self.microphone_channels):
            raise ValueError(
                f"{len(self.microphone_channels)} microphone channels but {len(self.microphones_m)} positions"
            )
        if len(self.microphones_m) < 3:
            raise ValueError("a direction in the plane needs at least three microphones")
        apart = np.linalg.norm(self.positions[:, None] - self.positions[None], axis=-1)
        if apart.max() > _LARGEST_ARRAY_M:
            raise ValueError(f"microphones are {apart.max():.2f} m apart; positions are in metres")
        if (apart + np.eye(len(apart))).min() < _CLOSEST_MICROPHONES_M:
            raise ValueError("two microphones are at the same place")
        if np.linalg.svd(self.positions[:, :2], compute_uv=False)[1] < _CLOSEST_MICROPHONES_M:
            raise ValueError("the microphones lie on one line, from which left and right sound the same")


def known_profiles() -> Mapping[str, ArrayProfile]:
    """Return the arrays that come with the program, by their short names.

    Raises:
        AudioError: array_profile_bad.
    """
    written = tomllib.loads((files("hardware") / "array_profiles.toml").read_text(encoding="utf-8"))
    return {name: _profile(entry, where=name) for name, entry in written.items()}


def find_profile(wanted: str) -> ArrayProfile:
    """Return a known array by its short name, or one's own from a TOML file that holds one profile.

    Raises:
        AudioError: array_profile_unknown, array_profile_bad.
    """
    known = known_profiles()
    if wanted in known:
        return known[wanted]
    path = Path(wanted).expanduser()
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AudioError(
            f"there is no array profile {wanted}: {error.strerror}",
            code="array_profile_unknown",
            advice=f"Name one of {', '.join(known)}, or a TOML file with the geometry of your own array.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(path.name, str(error)) from error
    return _profile(written, where=path.name)


def _profile(written: Mapping[str, Any], *, where: str) -> ArrayProfile:
    try:
        return ArrayProfile.model_validate(written)
    except ValidationError as error:
        reasons = [
            f"{'.'.join(map(str, each['loc']))} {each['msg']}".strip().removeprefix("Value error, ")
            for each in error.errors()
        ]
        raise _bad(where, "; ".join(reasons)) from error


def _bad(where: str, why: str) -> AudioError:
    return AudioError(
        f"the array profile {where} cannot be used: {why}",
        code="array_profile_bad",
        advice="Correct the file; array_profiles.toml of the package hardware shows how one looks.",
    )
