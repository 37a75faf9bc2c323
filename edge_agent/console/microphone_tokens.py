"""Access tokens of network microphones: shown once, kept as hashes, revocable."""

import hashlib
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from edge_agent.private_files import make_private_folder, write_whole
from models.errors import VoicetrailError
from models.noun import Moment, Name, Noun

FILE_NAME: Final = "microphone-tokens.json"


class MicrophoneTokenError(VoicetrailError):
    """A token cannot be made, revoked or looked up."""

    code = "microphone_token"


class MicrophoneToken(Noun):
    """One token; 256 random bits need no slow hash."""

    name: Name
    """Whose it is: the speaker's place or name."""
    sha256: str
    made_at: Moment


class _Kept(Noun):
    tokens: tuple[MicrophoneToken, ...] = ()


class MicrophoneTokens:
    """The private file of tokens in the device's folder, read anew each time: a revoked one is refused at once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def all(self) -> tuple[MicrophoneToken, ...]:
        """Return every token that is valid.

        Raises:
            MicrophoneTokenError: the file cannot be read.
        """
        try:
            return _Kept.model_validate_json(self._path.read_bytes()).tokens
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            raise MicrophoneTokenError(
                f"{self._path.name} cannot be read", advice=f"Delete {self._path} and make new tokens."
            ) from error

    def make(self, name: str, *, now: datetime) -> str:
        """Make a token and return it; it can never be shown again. A name's former token is revoked.

        Raises:
            MicrophoneTokenError: the file cannot be read, or the name has not 1 to 200 characters.
            OutboxError: `data_folder`, the folder does not take the file.
        """
        token = secrets.token_urlsafe(32)
        try:
            made = MicrophoneToken(name=name.strip(), sha256=_hash(token), made_at=now)
        except ValidationError as error:
            raise MicrophoneTokenError(
                "a microphone's name has 1 to 200 characters", code="bad_input", advice="Name its place."
            ) from error
        self._write((*(kept for kept in self.all() if kept.name != made.name), made))
        return token

    def revoke(self, name: str) -> None:
        """Make the token of a name invalid.

        Raises:
            MicrophoneTokenError: no token has that name, or the file cannot be read.
            OutboxError: `data_folder`, the folder does not take the file.
        """
        before = self.all()
        kept = tuple(token for token in before if token.name != name)
        if len(kept) == len(before):
            raise MicrophoneTokenError(
                f"no token has the name {name!r}",
                code="bad_input",
                advice="`voicetrail-edge microphone-token` lists all.",
            )
        self._write(kept)

    def owner(self, token: str) -> str | None:
        """Return whose token it is; None for one that is not, or no longer, valid.

        Raises:
            MicrophoneTokenError: the file cannot be read.
        """
        hashed = _hash(token)
        return next((one.name for one in self.all() if secrets.compare_digest(one.sha256, hashed)), None)

    def _write(self, tokens: tuple[MicrophoneToken, ...]) -> None:
        make_private_folder(self._path.parent)
        write_whole(self._path, _Kept(tokens=tokens).model_dump_json().encode())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
