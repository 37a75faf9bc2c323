"""What the program says: the same in both languages, and every word of it in use."""

import string
from pathlib import Path

import pytest

import edge_agent
from edge_agent import messages
from edge_agent.messages import Messages, language_of
from models.errors import OutboxError

TEXTS = messages._TEXTS
SOURCES = {path.name: path.read_text() for path in Path(edge_agent.__file__).parent.glob("*.py")}


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_the_same_values(key: str) -> None:
    """A value that one language shows, the other shows too."""
    english, chinese = TEXTS[key]
    assert fields(english) == fields(chinese)


@pytest.mark.parametrize("key", TEXTS)
def test_every_message_is_said_somewhere(key: str) -> None:
    """No message is left over from something that is gone."""
    assert [name for name, source in SOURCES.items() if name != "messages.py" and f'"{key}"' in source] or any(
        f'self("{key}"' in source for source in SOURCES.values()
    )


@pytest.mark.parametrize("code", messages._ERRORS_ZH)
def test_every_translated_error_is_raised_somewhere(code: str) -> None:
    """A translation belongs to a code that the device can meet."""
    folders = (Path(edge_agent.__file__).parent, Path(edge_agent.__file__).parents[1] / "hardware")
    raised = [path.name for folder in folders for path in folder.glob("*.py") if f'"{code}"' in path.read_text()]
    assert set(raised) - {"messages.py"}


def test_an_error_is_its_code_then_words_then_advice() -> None:
    """In Chinese the words are Chinese and the English ones follow; an unknown code keeps its English words."""
    full = OutboxError("no room", code="outbox_full", advice="Make room.")
    odd = OutboxError("odd thing", code="odd", advice="")
    assert Messages("en").error(full) == "outbox_full: no room\nWhat to do: Make room."
    chinese = Messages("zh").error(full).splitlines()
    assert chinese[0].startswith("outbox_full: 发件箱已满")
    assert "no room" in chinese[0]
    assert chinese[1].startswith("建议：")
    assert Messages("zh").error(odd) == "odd: odd thing"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_TW", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LANG": ""}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_the_environments(environment: dict[str, str], language: str) -> None:
    """LC_ALL goes before LC_MESSAGES before LANG; without any it is English."""
    assert language_of(environment) == language
