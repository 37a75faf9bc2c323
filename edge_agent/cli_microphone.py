"""The command that gives network microphones their access tokens."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from edge_agent import cli_options as options
from edge_agent.captions import Captions
from edge_agent.console.microphone_tokens import MicrophoneTokens


def microphone_token(
    *,
    name: Annotated[str, typer.Option("--name", help="Which microphone: its place, such as lobby.")] = "",
    revoke: Annotated[bool, typer.Option("--revoke", help="Make the token of that microphone invalid.")] = False,
    data: options.Data = None,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """Make an access token for a network speaker or robot, revoke one, or list those that are valid.

    A token is shown once; made anew, a microphone's former token is no longer valid.

    Example:

      voicetrail-edge microphone-token --name lobby

      voicetrail-edge microphone-token --name lobby --revoke

      voicetrail-edge microphone-token
    """
    given = options.invocation(data, lang)
    tokens, captions = MicrophoneTokens(given.folder), Captions(given.messages, quiet=as_json)
    if revoke:
        tokens.revoke(name)
        captions.done("token_revoked", name=name)
        return
    if name:
        token = tokens.make(name, now=datetime.now(UTC))
        typer.echo(json.dumps({"name": name, "token": token}) if as_json else token)
        captions.note("token_made", name=name)
        return
    valid = tokens.all()
    if as_json:
        typer.echo(json.dumps([{"name": one.name, "made_at": one.made_at.isoformat()} for one in valid]))
    for one in valid:
        captions.note("token_kept", name=one.name, moment=f"{one.made_at.astimezone():%Y-%m-%d %H:%M}")
    if not valid:
        captions.note("no_tokens")
