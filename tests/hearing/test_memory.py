"""Memory stays flat, however long a recording is."""

import subprocess
import sys
import wave
from pathlib import Path

import pytest

HOURS_3_S = 3 * 3600
MINUTES_20_S = 20 * 60

# Prints the growth of the process's peak in MB over what the first minute took.
DECODES = """
import resource, sys
from hardware.media_file import MediaFileSource, Pace
def peak_mb(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
early_mb = 0.0
for item in MediaFileSource(sys.argv[1], pace=Pace.FAST).frames():
    if item.end_ms <= 60_000: early_mb = peak_mb()
print(item.end_ms, peak_mb() - early_mb)
"""

LISTENS = """
import resource, sys
from edge_agent.listening import Listening
from edge_agent.segmentation import Segmentation
from hardware.media_file import MediaFileSource, Pace
def peak_mb(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
# Everything is speech: the longest clips there are, without a pause.
settings = Segmentation(speech_threshold=0.0, silence_threshold=0.0)
early_mb = 0.0
for found in Listening(settings=settings).blocks(MediaFileSource(sys.argv[1], pace=Pace.FAST).frames()):
    if found is None: continue
    listened = found
    if listened.plan.end_ms <= 60_000: early_mb = peak_mb()
print(listened.plan.end_ms, peak_mb() - early_mb)
"""


@pytest.mark.parametrize(
    ("program", "seconds"), [(DECODES, HOURS_3_S), (LISTENS, MINUTES_20_S)], ids=["decoding 3 h", "listening 20 min"]
)
def test_memory_does_not_grow_with_the_length(tmp_path: Path, program: str, seconds: int) -> None:
    """After its first minute a long file takes no more than 20 MB more; held whole, 3 h would take 690 MB."""
    path = tmp_path / "long.wav"
    rate_hz = 8000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate_hz)
        for _ in range(seconds // 60):
            file.writeframes(b"\x80\x90\x80\x70" * (60 * rate_hz // 4))
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=300, check=True
    )
    end_ms, grown_mb = done.stdout.split()
    assert int(end_ms) == seconds * 1000
    assert float(grown_mb) < 20
