"""What the documents tell people to type and to open is there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

import edge_agent.cli
import nlp.cli
import server.cli

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "voicetrail-edge": get_command(edge_agent.cli.app),
    "voicetrail-server": get_command(server.cli.app),
    "voicetrail-nlp": get_command(nlp.cli.app),
}
READMES = ("README.md", "README.zh-CN.md")
DOCUMENTS = (*READMES, *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))))


def typed(document: str) -> list[str]:
    """Return the lines of code blocks, and the code within sentences, that call one of the programs."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = [
        line for block in re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE) for line in block.split("\n")
    ]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [line for line in (*blocks, *inline) if line.split(" ")[0] in PROGRAMS]


def command_of(line: str) -> tuple[TyperGroup | TyperCommand, list[str]]:
    """Follow a line to its command; return what is typed behind it, comments too."""
    program, *words = line.split()
    command = PROGRAMS[program]
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        command = command.commands[words.pop(0)]
    return command, words


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_told_exists_with_its_options(document: str) -> None:
    """A command of a document is a command of the program, and each option on its line is one of that command."""
    for line in typed(document):
        command, words = command_of(line)
        known = {name for parameter in command.params for name in parameter.opts}
        told = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", " ".join(words)))
        assert told - known - {"--help"} == set(), line


def test_both_readmes_tell_the_same_commands() -> None:
    """Whoever reads Chinese is told to type what whoever reads English is."""
    english, chinese = ({shlex.join(shlex.split(line, comments=True)) for line in typed(name)} for name in READMES)
    assert len(english) > 8
    assert english == chinese


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_to_a_file_leads_to_one(document: str) -> None:
    """A link without a scheme names a file beside the document."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s#]+)", text):
        assert "://" in target or (ROOT / document).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("document", READMES)
def test_every_make_target_that_is_told_exists(document: str) -> None:
    """`make X` and the words that `make run` takes stand in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = re.findall(
        r"(?:`|^)make ([a-z-]+)((?: [A-Z]+=\S+)*)", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {"run", "test"} <= {target for target, _ in told}
    for target, words in told:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        for name in re.findall(r"([A-Z]+)=", words):
            assert f"$({name})" in makefile, name
