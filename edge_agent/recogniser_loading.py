"""The recogniser by the settings, with its progress shown: making the weights takes a while, once."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from edge_agent import weights
from edge_agent.messages import Messages
from edge_agent.recognition import Recogniser
from edge_agent.settings import EdgeSettings


def load_recogniser(settings: EdgeSettings, *, messages: Messages) -> Recogniser:
    """Locate the weights and load them.

    Raises:
        RecognitionError: they are missing, altered or do not load.
    """
    console = Console(stderr=True, highlight=False)
    folder = _located(settings, console=console, messages=messages)
    with console.status(messages("loading")):
        return Recogniser(
            folder, model_name=f"whisper-{settings.model}", device=settings.device, cpu_threads=settings.cpu_threads
        )


def _located(settings: EdgeSettings, *, console: Console, messages: Messages) -> Path:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(messages("assembling"), total=None, visible=False)
        return weights.locate(
            settings.model,
            settings.cache_dir,
            progress=lambda done, total: bar.update(task, completed=done, total=total, visible=True),
        )
