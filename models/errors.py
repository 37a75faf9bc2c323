"""The root of all errors.

VoicetrailError                 code, permanent, advice
├── AudioError                  a source could not be opened or read
├── RecognitionError            weights or decoding
├── OutboxError                 the device's store
├── UploadError                 the way to the server
├── EnrolmentError              the device's identity
├── UnderstandingError          nlp weights, training data
├── RejectedError               one record or request that the server will not take
└── StoreError                  the server's database

Packages subclass these beside the code that raises them.
"""


class VoicetrailError(Exception):
    """Something went wrong that a person or a program can act on.

    Attributes:
        code: stable machine-readable name, lower_snake_case.
        permanent: True when trying the same thing again cannot succeed.
        advice: what to do next, one sentence; may be empty.
    """

    code: str = "error"
    permanent: bool = True

    def __init__(
        self, message: str, *, advice: str = "", code: str | None = None, permanent: bool | None = None
    ) -> None:
        super().__init__(message)
        self.advice = advice
        if code is not None:
            self.code = code
        if permanent is not None:
            self.permanent = permanent

    @property
    def message(self) -> str:
        """The error in one sentence, without advice."""
        return str(self.args[0])


class AudioError(VoicetrailError):
    """An audio source could not be opened or read."""

    code = "audio_error"


class AbandonedError(AudioError):
    """What was heard is wanted no more; it was thrown away, and so is what was made of it."""

    code = "abandoned"


class RecognitionError(VoicetrailError):
    """Speech could not be recognised: weights are missing, altered or do not load."""

    code = "recognition_error"


class OutboxError(VoicetrailError):
    """The device's outbox could not take or give a record."""

    code = "outbox_error"
    permanent = False


class UploadError(VoicetrailError):
    """Records could not be brought to the server."""

    code = "upload_error"
    permanent = False


class EnrolmentError(VoicetrailError):
    """The device has no identity, or the server refused to give one."""

    code = "enrolment_error"


class UnderstandingError(VoicetrailError):
    """Text could not be analysed: weights or training data are missing or altered."""

    code = "understanding_error"


class RejectedError(VoicetrailError):
    """A record or a request that will not be taken as it is."""

    code = "rejected"


class StoreError(VoicetrailError):
    """The server's database did not take or give what was asked."""

    code = "store_error"
    permanent = False
