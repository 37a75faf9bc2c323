"""The extra [train], which only who trains or measures with noise installs."""

from importlib.util import find_spec

from models.errors import UnderstandingError


def need_extra(*libraries: str, wanted_for: str) -> None:
    """Raise UnderstandingError (training_extra_missing) unless the libraries are installed.

    Args:
        libraries: modules of the extra [train].
        wanted_for: what needs them, as the sentence begins.
    """
    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        raise UnderstandingError(
            f"{wanted_for} needs {' and '.join(missing)}, not installed here.",
            code="training_extra_missing",
            advice="Install the training tools: pip install 'voicetrail[train]'.",
        )
