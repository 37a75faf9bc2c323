"""The commands for voiceprints: `voicetrail-edge voice`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from edge_agent import cli_options as options
from edge_agent.captions import Captions
from edge_agent.clock import read_clock
from edge_agent.voiceprint import VoiceError, Voiceprint, Voiceprints
from hardware.audio import AudioFrame, AudioSource, Samples
from hardware.media_file import MediaFileSource, Pace
from hardware.microphones import open_microphone

_LISTEN_AT_MOST_MS = 120_000

voice = typer.Typer(
    no_args_is_help=True,
    help="""Staff voiceprints: they help to tell staff from customers, stay sealed on this device, and are off until
    somebody enrols one.""",
)

_WhoseVoice = Annotated[str, typer.Option("--staff", help="Whose voice, such as S-07; as in run and replay.")]


@voice.command()
def enrol(
    *,
    staff: _WhoseVoice,
    file: Annotated[Path | None, typer.Argument(help="A recording in which only this person speaks.")] = None,
    microphone: Annotated[
        str | None, typer.Option("--microphone", help="Listen to a microphone instead; address as in `devices`.")
    ] = None,
    data: options.Data = None,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """Learn a voice from at least 12 s of its speech; the sound is dropped at once, the voiceprint stays here.

    Example:

      voicetrail-edge voice enrol --staff S-07 --microphone default

      voicetrail-edge voice enrol --staff S-07 reading-aloud.m4a
    """
    # The detector and the embedder take half a second to load.
    from edge_agent.voice_embedder import VoiceEmbedder
    from edge_agent.voice_enrolment import VoiceEnrolment

    given = options.invocation(data, lang)
    captions = Captions(given.messages, quiet=as_json)
    options.check_name("--staff", staff)
    if (file is None) == (microphone is None):
        raise options.InputError(
            "give a FILE or --microphone, one of them", advice="See: voicetrail-edge voice enrol --help"
        )
    enrolment = VoiceEnrolment(VoiceEmbedder())
    if file is not None:
        source: AudioSource = MediaFileSource(file, pace=Pace.FAST)
    else:
        captions.note("speak_now")
        source = open_microphone(microphone or "", on_signal=lambda _signal: None)
    for samples in _sound(source):
        enrolment.add(samples)
        if enrolment.is_enough and microphone is not None:
            break
    voiceprint = enrolment.finish(staff=staff, at=read_clock().moment)
    Voiceprints(given.folder, settings=given.settings).keep(voiceprint)
    if as_json:
        typer.echo(json.dumps(_shown(voiceprint)))
    captions.done("voice_enrolled", staff=staff, seconds=voiceprint.speech_s, folder=given.folder)


@voice.command()
def show(*, data: options.Data = None, as_json: options.AsJson = False, lang: options.Lang = None) -> None:
    """Tell whose voiceprints are on this device.

    Example:

      voicetrail-edge voice show --json
    """
    given = options.invocation(data, lang)
    kept = Voiceprints(given.folder, settings=given.settings).all()
    if as_json:
        typer.echo(json.dumps([_shown(voiceprint) for voiceprint in kept]))
        return
    captions = Captions(given.messages, quiet=False)
    if not kept:
        captions.done("voice_none")
    for voiceprint in kept:
        captions.done("voice_kept", **_shown(voiceprint))


@voice.command()
def forget(
    *,
    staff: Annotated[str | None, typer.Option("--staff", help="Whose voice.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="All voices, also unreadable ones.")] = False,
    data: options.Data = None,
    lang: options.Lang = None,
) -> None:
    """Delete a voiceprint.

    Example:

      voicetrail-edge voice forget --staff S-07
    """
    given = options.invocation(data, lang)
    voiceprints = Voiceprints(given.folder, settings=given.settings)
    if (staff is None) == (not everyone):
        raise options.InputError("give --staff or --all, one of them", advice="See: voicetrail-edge voice show")
    if everyone:
        voiceprints.forget_all()
    elif not voiceprints.forget(staff or ""):
        raise VoiceError(
            f"there is no voiceprint of {staff}", code="voice_unknown", advice="See: voicetrail-edge voice show"
        )
    Captions(given.messages, quiet=False).done("voice_forgotten")


def _sound(source: AudioSource) -> Iterator[Samples]:
    try:
        for item in source.frames():
            if isinstance(item, AudioFrame):
                yield item.samples
            if item.end_ms >= _LISTEN_AT_MOST_MS:
                return
    finally:
        source.close()


def _shown(voiceprint: Voiceprint) -> dict[str, object]:
    return {
        "staff": voiceprint.staff,
        "seconds": round(voiceprint.speech_s, 1),
        "made_at": voiceprint.made_at.isoformat(timespec="seconds"),
    }
