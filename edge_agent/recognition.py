"""Speech to text: faster-whisper's model with short context decoding.

Whisper was trained on 30 s windows, and padding every clip to 30 s is what most of the CPU goes into. CTranslate2 takes
shorter inputs: a clip padded to its length + 5 s, at least 10 s, costs a third at the same CER. Less padding than that
makes it repeat itself, and so does a prompt.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import TranscriptionOptions, get_suppressed_tokens

from edge_agent.mishearing import Mishearing
from edge_agent.word_times import Word, timed_words
from hardware.audio import SAMPLE_RATE_HZ, Samples
from models.errors import RecognitionError
from nlp.spoken import SpokenChinese

_FRAMES_PER_S = 100
"""Frames of the mel spectrogram per second: Whisper's hop is 10 ms."""

_SPARE_TOKENS = 20
"""For names and loan words, which take several tokens per character."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How clips are decoded; the defaults are the measured ones."""

    language: str = "zh"
    beam_size: int = 5
    long_beam_size: int = 8
    """Of clips that are `long_s` or longer. Conversations, most of them clips of 26 s, are read at 17.3 % CER with 5,
    16.6 % with 8, 16.7 % with 10; single sentences at 14.2 % with 5 and 14.6 % with 8 (docs/adr/0004)."""
    long_s: float = 15.0
    padding_s: float = 5.0
    """Silence after the clip, as far as Whisper's 30 s leave room for it."""
    longest_s: float = 29.0
    """Sound decoded at once."""
    shortest_context_s: float = 10.0
    """Clip and silence together, at least."""
    compression_limit: float = 2.4
    logprob_limit: float = -1.0
    """Text that repeats itself more or is less probable than this is decoded a second time."""
    retry_repetition_penalty: float = 1.1
    retry_no_repeat_tokens: int = 4
    """The second time repetition is made dear. Stock Whisper samples at five temperatures instead: that costs 10–20 CPU
    seconds for 12 s of noise against 2–3, and gives another text each time."""
    most_tokens_per_s: float = 10.0
    """Real speech needs at most 6.2, time stamps included; a loop is stopped here instead of after 224 tokens."""
    shortest_rest_s: float = 0.4
    """What the model leaves undecoded at the end of a clip is decoded again unless it is shorter than this."""
    corrected: bool = True
    """Chinese words that were misheard for others that sound alike are put right (edge_agent.mishearing)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a clip that the model gave time stamps to."""

    start_ms: int
    """Milliseconds since the start of the clip."""
    end_ms: int
    text: str
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    words: tuple[Word, ...] = ()
    """Its text, word by word."""

    def later(self, by_ms: int) -> Self:
        """Give the same segment in the time of a longer recording."""
        words = tuple(word.later(by_ms) for word in self.words)
        return replace(self, start_ms=self.start_ms + by_ms, end_ms=self.end_ms + by_ms, words=words)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What was recognised in one clip, and what it cost."""

    segments: tuple[Segment, ...]
    cpu_s: float
    """CPU seconds of this process; no more than its own threads can have spent when another one decodes beside it."""
    wall_s: float


class Recogniser:
    """A Whisper model in memory; threads may share it, and two of them decode side by side."""

    def __init__(
        self,
        model_path: Path,
        *,
        model_name: str,
        decoding: Decoding | None = None,
        device: Literal["auto", "cpu", "cuda"] = "cpu",
        cpu_threads: int = 1,
    ) -> None:
        """Load the model: on a CPU quantised to int8 (float32 costs 1.5 times as much with no gain), on a GPU in half
        precision (float16), as its weights are.

        Args:
            model_path: folder with model.bin, as `edge_agent.weights.locate` gives it.
            model_name: what results say they come from.
            decoding: how clips are decoded.
            device: auto takes a GPU where CTranslate2 finds one.
            cpu_threads: threads inside one decoding.

        Raises:
            RecognitionError: model_unusable, when the folder holds no model that loads.
            UnderstandingError: weights_missing, when the package lacks its model of spoken Chinese.
        """
        self.model_name = model_name
        self.decoding = decoding or Decoding()
        self._cpu_threads = cpu_threads
        try:
            on_gpu = device == "cuda" or (device == "auto" and ctranslate2.get_cuda_device_count() > 0)
            self.whisper = WhisperModel(
                str(model_path),
                device="cuda" if on_gpu else "cpu",
                compute_type="float16" if on_gpu else "int8",
                cpu_threads=cpu_threads,
                # One for blocks, one for first texts; they share the weights.
                num_workers=2,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise RecognitionError(
                f"the model in {model_path} does not load: {error}",
                code="model_unusable",
                advice="Name another model in the settings, or delete the folder so that it is made again.",
            ) from error
        self._tokenizer = Tokenizer(
            self.whisper.hf_tokenizer,
            self.whisper.model.is_multilingual,
            task="transcribe",
            language=self.decoding.language,
        )
        self._options = _options(self._tokenizer, self.decoding)
        is_corrected = self.decoding.corrected and self.decoding.language == "zh"
        self._mishearing = Mishearing(SpokenChinese.read()) if is_corrected else None

    def recognise(self, samples: Samples, *, hints: Sequence[str] = ()) -> Recognised:
        """Recognise one clip of any length; longer ones than 29 s are decoded one part after the other.

        A clip below 25 ms, the length of one frame of the spectrogram, gives nothing.

        Args:
            samples: the clip.
            hints: words that may be said in it. On clips of many sentences they make the model stop early.
        """
        is_long = len(samples) >= self.decoding.long_s * SAMPLE_RATE_HZ
        beam_size = self.decoding.long_beam_size if is_long else self.decoding.beam_size
        options = replace(self._options, hotwords="，".join(hints) or None, beam_size=beam_size)
        started_s, started_cpu_s = time.perf_counter(), time.process_time()
        long_enough = len(samples) >= self.whisper.feature_extractor.n_fft
        segments = tuple(self._segments(samples, options)) if long_enough else ()
        wall_s = time.perf_counter() - started_s
        cpu_s = min(time.process_time() - started_cpu_s, wall_s * self._cpu_threads)
        return Recognised(segments=segments, cpu_s=cpu_s, wall_s=wall_s)

    def _segments(self, samples: Samples, options: TranscriptionOptions) -> Iterator[Segment]:
        features = self.whisper.feature_extractor(samples)
        clip_frames = len(samples) * _FRAMES_PER_S // SAMPLE_RATE_HZ
        padding = round(self.decoding.padding_s * _FRAMES_PER_S)
        window = self.whisper.feature_extractor.nb_max_frames
        longest = round(self.decoding.longest_s * _FRAMES_PER_S)
        shortest_rest = round(self.decoding.shortest_rest_s * _FRAMES_PER_S)
        at = 0
        while clip_frames - at > (shortest_rest if at else 0):
            frames = min(clip_frames - at, longest)
            padded = max(min(frames + padding, window), round(self.decoding.shortest_context_s * _FRAMES_PER_S))
            encoded = self.whisper.encode(_followed_by_silence(features[:, at : at + frames], frames=padded))
            at = yield from self._decoded(encoded, options, at=at, frames=frames)

    def _decoded(
        self, encoded: ctranslate2.StorageView, options: TranscriptionOptions, *, at: int, frames: int
    ) -> Generator[Segment, None, int]:
        """Give the segments of one decoding that starts `at` a frame; return the frame where the next should start."""
        most_tokens = round(_SPARE_TOKENS + self.decoding.most_tokens_per_s * frames / _FRAMES_PER_S)
        text = self._likeliest(encoded, options, most_tokens=most_tokens)
        pieces, next_at, _ = self.whisper._split_segments_by_timestamps(
            tokenizer=self._tokenizer,
            tokens=text.tokens,
            time_offset=at / _FRAMES_PER_S,
            segment_size=frames,
            segment_duration=frames / _FRAMES_PER_S,
            seek=at,
        )
        tokens = [[token for token in piece["tokens"] if token < self._tokenizer.eot] for piece in pieces]

        def timed(texts: Sequence[Sequence[int]]) -> list[tuple[Word, ...]]:
            at_ms = at * 1000 // _FRAMES_PER_S
            return timed_words(self.whisper, self._tokenizer, encoded, texts, frames=frames, at_ms=at_ms)

        words = heard = timed(tokens)
        # A hint is there to be found, also where a commoner word sounds like it; a loop is nothing to put right.
        if self._mishearing is not None and not options.hotwords and not text.is_loop:
            words = self._mishearing.corrected(
                heard, read=lambda texts: timed(list(map(self._tokenizer.encode, texts)))
            )
        for piece, before, spoken in zip(pieces, heard, words, strict=True):
            written = self._tokenizer.decode(piece["tokens"]).strip()
            if spoken != before:
                written = "".join(word.text for word in spoken).strip()
            if written:
                yield Segment(
                    start_ms=round(piece["start"] * 1000),
                    end_ms=round(piece["end"] * 1000),
                    text=written,
                    avg_logprob=text.avg_logprob,
                    no_speech_prob=text.no_speech_prob,
                    compression_ratio=text.compression_ratio,
                    words=spoken,
                )
        # A time stamp that stands still would decode the same clip for ever.
        return next_at if next_at > at else at + frames

    def _likeliest(
        self, encoded: ctranslate2.StorageView, options: TranscriptionOptions, *, most_tokens: int
    ) -> "_Text":
        first = self._generated(encoded, options, most_tokens=most_tokens)
        if not first.is_loop and first.avg_logprob >= self.decoding.logprob_limit:
            return first
        dearer_repetition = replace(
            options,
            repetition_penalty=self.decoding.retry_repetition_penalty,
            no_repeat_ngram_size=self.decoding.retry_no_repeat_tokens,
        )
        second = self._generated(encoded, dearer_repetition, most_tokens=most_tokens)
        plain = [text for text in (first, second) if not text.is_loop]
        return max(plain or [second], key=lambda text: text.avg_logprob)

    def _generated(
        self, encoded: ctranslate2.StorageView, options: TranscriptionOptions, *, most_tokens: int
    ) -> "_Text":
        prompt = self.whisper.get_prompt(self._tokenizer, [], hotwords=options.hotwords)
        # CTranslate2 generates half of the length it is given: Whisper keeps the other half for a prompt.
        length = min(2 * most_tokens, self.whisper.max_length)
        result, avg_logprob, _, compression_ratio = self.whisper.generate_with_fallback(
            encoded, prompt, self._tokenizer, replace(options, max_new_tokens=length - len(prompt))
        )
        tokens = result.sequences_ids[0]
        return _Text(
            tokens=tokens,
            avg_logprob=avg_logprob,
            no_speech_prob=result.no_speech_prob,
            compression_ratio=compression_ratio,
            is_loop=compression_ratio > self.decoding.compression_limit or len(tokens) >= length // 2,
        )


@dataclass(frozen=True, slots=True)
class _Text:
    """What one decoding gave."""

    tokens: list[int]
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    is_loop: bool
    """It goes round in circles, or would not end."""


def _followed_by_silence(features: npt.NDArray[np.float32], *, frames: int) -> npt.NDArray[np.float32]:
    """Pad a spectrogram, shape (mel bands, n), with its own quietest value, as silence would read.

    faster-whisper pads with zeros, which is the middle of the scale; with a short context that costs 0.6 points of CER.
    """
    missing = max(0, frames - features.shape[-1])
    return np.pad(features, ((0, 0), (0, missing)), constant_values=features.min())


def _options(tokenizer: Tokenizer, decoding: Decoding) -> TranscriptionOptions:
    """Give faster-whisper's own defaults, but one temperature and neither prompt nor earlier text."""
    return TranscriptionOptions(
        beam_size=decoding.beam_size,
        best_of=5,
        patience=1,
        length_penalty=1,
        repetition_penalty=1,
        no_repeat_ngram_size=0,
        log_prob_threshold=-1.0,
        no_speech_threshold=0.6,
        compression_ratio_threshold=2.4,
        condition_on_previous_text=False,
        prompt_reset_on_temperature=0.5,
        temperatures=[0.0],
        initial_prompt=None,
        prefix=None,
        suppress_blank=True,
        suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        without_timestamps=False,
        max_initial_timestamp=1.0,
        word_timestamps=False,
        prepend_punctuations="",
        append_punctuations="",
        multilingual=False,
        max_new_tokens=None,
        clip_timestamps="0",
        hallucination_silence_threshold=None,
        hotwords=None,
    )
