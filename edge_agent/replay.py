"""Recorded files through the real path, one conversation each: what a microphone would have brought, later."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.captions import Captions, clock_time
from edge_agent.clock import read_clock
from edge_agent.outbox import Outbox
from edge_agent.recorder import Recorded, Recorder
from edge_agent.recording import Encounter, remembered
from edge_agent.recordings import Recording
from edge_agent.summary import Account, Failed
from hardware.audio import AudioSource
from hardware.media_file import MediaFileSource, Pace
from models.errors import AudioError
from models.labels import ConsentState

if TYPE_CHECKING:
    from edge_agent.hearing import Hearing

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying:
    """How files are replayed."""

    pace: Pace
    again: bool
    """Record anew what was recorded before."""
    started_at: datetime | None
    """When the conversation really began; None to take it as ending now (fast pace) or beginning now (real pace)."""


class Replay:
    """Replays files into one outbox."""

    def __init__(
        self, outbox: Outbox, *, recorder: Recorder, hearing: "Callable[[], Hearing]", captions: Captions
    ) -> None:
        """Prepare.

        Args:
            outbox: of the calling thread.
            recorder: writes into that outbox.
            hearing: loads the recogniser; called once, and not at all when no customer consented.
            captions: for people.
        """
        self._outbox = outbox
        self._recorder = recorder
        self._hearing = cache(hearing)
        self._captions = captions

    def file(self, path: Path, encounter: Encounter, *, how: Replaying, account: Account) -> None:
        """Replay one file; a file that cannot be recorded is put into the account and stops nothing.

        Raises:
            OutboxError: the outbox cannot take more.
            RecognitionError: the recogniser cannot be loaded.
        """
        try:
            self._file(path, encounter, how=how, account=account)
        except AudioError as error:
            self._captions.failed(error)
            account.failed.append(Failed(file=str(path), error=error))

    def _file(self, path: Path, encounter: Encounter, *, how: Replaying, account: Account) -> None:
        fingerprint = self._fingerprint(path, encounter)
        known = None if how.again else self._outbox.recording(fingerprint)
        if known is not None and known.complete:
            self._offer_again(path, known, account=account)
        elif encounter.consent is ConsentState.GRANTED:
            account.add(self._hear(path, encounter, fingerprint=fingerprint, known=known, how=how))
            account.resumed += known is not None
        else:
            account.add(self._count(path, encounter, fingerprint=fingerprint, how=how))

    def _offer_again(self, path: Path, known: Recording, *, account: Account) -> None:
        count = self._outbox.offer_again(recording=known.id)
        key = "known" if known.conversation is not None else "known_declined"
        self._captions.note(key, name=path.name, conversation=known.id, count=count)
        account.add(Recorded(recording=known, recognition_cpu_s=0.0))
        account.known += 1

    def _hear(
        self, path: Path, encounter: Encounter, *, fingerprint: str, known: Recording | None, how: Replaying
    ) -> Recorded:
        hearing = self._hearing()
        if known is not None:
            self._captions.note("resumed", name=path.name, at=clock_time(known.until_ms))
        else:
            self._captions.note("hearing", name=path.name)
        source = MediaFileSource(path, pace=how.pace)
        started_at = _started_at(source, how=how, now=read_clock().moment)
        blocks = hearing.hear(
            source,
            staff=encounter.staff,
            skip_blocks=known.blocks if known else 0,
            before=remembered(self._outbox.records_of(known.id)) if known else (),
        )
        if known is not None:
            return self._recorder.record(blocks, known)
        # The conversation begins with its first block: a file that cannot be read leaves none behind.
        first = next(blocks, None)
        if first is None:
            raise AudioError(
                f"{path.name} is too short to be heard",
                code="media_empty",
                advice="Check that the recording was finished and copied completely.",
            )
        recording = self._recorder.begin(encounter, fingerprint=fingerprint, live=False, started_at=started_at)
        return self._recorder.record(chain((first,), blocks), recording)

    def _count(self, path: Path, encounter: Encounter, *, fingerprint: str, how: Replaying) -> Recorded:
        source = MediaFileSource(path, pace=how.pace)
        started_at = _started_at(source, how=how, now=read_clock().moment)
        duration_ms = lasted_ms(source)
        recording = self._recorder.withhold(
            encounter, fingerprint=fingerprint, live=False, started_at=started_at, duration_ms=duration_ms
        )
        self._captions.note("declined", name=path.name, seconds=duration_ms / 1000)
        return Recorded(recording=recording, recognition_cpu_s=0.0)

    def _fingerprint(self, path: Path, encounter: Encounter) -> str:
        who = (encounter.customer or "", encounter.staff, encounter.site, encounter.channel, encounter.consent.value)
        return self._outbox.fingerprint("file", content_sha256(path), *who)


def _started_at(source: MediaFileSource, *, how: Replaying, now: datetime) -> datetime:
    """Return when a recording began that nobody dated; played fast it must not reach into the future."""
    if how.started_at is not None:
        return how.started_at
    return now if how.pace is Pace.REAL else now - timedelta(milliseconds=source.declared_ms())


def lasted_ms(source: AudioSource) -> int:
    """Let a source pass by and return how long it lasted; its audio is dropped frame by frame.

    Raises:
        AudioError: it cannot be read.
    """
    end_ms = 0
    try:
        for item in source.frames():
            end_ms = item.end_ms
    finally:
        source.close()
    return end_ms


def content_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises:
        AudioError: `media_not_found` or `media_unreadable`.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        raise AudioError(
            f"there is no file {path}", code="media_not_found", advice="Check the path; it is case-sensitive."
        ) from None
    except OSError as error:
        raise AudioError(
            f"{path} cannot be read: {error.strerror}",
            code="media_unreadable",
            advice="Name an audio or video file that you may read.",
        ) from error
    return digest.hexdigest()
