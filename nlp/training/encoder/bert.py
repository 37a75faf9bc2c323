"""A BERT encoder (Devlin et al. 2019) in JAX, and the Hugging Face folder that it is read from and written to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.errors import UnderstandingError

Weights = dict[str, jax.Array]
"""Word, position, type and norm.{w,b}; of all layers one over the other: {q,k,v,ao,fi,fo,aln,oln}.{w,b}."""
Named = Mapping[str, NDArray[np.float32]]

CONFIG: Final = "config.json"
SAFETENSORS: Final = "model.safetensors"
TOKENISER: Final = "tokenizer.json"

_EMBEDDINGS: Final = {
    "word": "word_embeddings.weight",
    "position": "position_embeddings.weight",
    "type": "token_type_embeddings.weight",
    "norm.w": "LayerNorm.weight",
    "norm.b": "LayerNorm.bias",
}
LAYER: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Our name of each part of a layer and the one in a BertModel."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the weights alone do not say."""

    layers: int
    heads: int
    epsilon: float


def name_in_folder(name: str, layer: int | None = None) -> str:
    """What a weight is called in a BertModel."""
    if layer is None:
        return f"embeddings.{_EMBEDDINGS[name]}"
    part, kind = name.split(".")
    return f"encoder.layer.{layer}.{LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def write(folder: Path, weights: Named, config: Config) -> None:
    """Write config.json and model.safetensors of a BertModel; the tokeniser is written beside them by its maker."""
    named = {}
    for name, value in weights.items():
        if name in _EMBEDDINGS:
            named[name_in_folder(name)] = np.ascontiguousarray(value, np.float32)
        else:
            for layer in range(config.layers):
                named[name_in_folder(name, layer)] = np.ascontiguousarray(value[layer], np.float32)
    save_file(named, folder / SAFETENSORS, metadata={"format": "pt"})
    words, hidden = weights["word"].shape
    values = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": hidden,
        "intermediate_size": weights["fi.b"].shape[1],
        "layer_norm_eps": config.epsilon,
        "max_position_embeddings": weights["position"].shape[0],
        "num_attention_heads": config.heads,
        "num_hidden_layers": config.layers,
        "pad_token_id": 1,
        "type_vocab_size": weights["type"].shape[0],
        "vocab_size": words,
    }
    (folder / CONFIG).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[Weights, Config]:
    """Read a BertModel's folder.

    Raises:
        UnderstandingError: it is absent or of another kind of model (base_missing).
    """
    try:
        values = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config = Config(int(values["num_hidden_layers"]), int(values["num_attention_heads"]), values["layer_norm_eps"])
        named = load_file(folder / SAFETENSORS)
        weights = {name: named[name_in_folder(name)] for name in _EMBEDDINGS}
        for name in (f"{part}.{kind}" for part in LAYER for kind in "wb"):
            weights[name] = np.stack([named[name_in_folder(name, layer)] for layer in range(config.layers)])
    except (OSError, ValueError, KeyError, SafetensorError) as wrong:
        raise UnderstandingError(
            f"{folder} holds no BertModel: {wrong!r}.",
            code="base_missing",
            advice="Make it: voicetrail-nlp base --out DIR.",
        ) from wrong
    return {name: jnp.asarray(value) for name, value in weights.items()}, config


def hidden_states(
    weights: Weights, ids: jax.Array, mask: jax.Array, *, config: Config, precision: DTypeLike = jnp.float32
) -> jax.Array:
    """The last layer's vectors.

    Args:
        weights: as `read()` gives them.
        ids: batch x tokens.
        mask: batch x tokens, 1 for tokens and 0 for padding.
        config: of the encoder.
        precision: of the matrix products; sums, norms and softmax stay in 32 bits.

    Returns:
        batch x tokens x hidden.
    """
    hidden = weights["word"][ids] + weights["position"][: ids.shape[1]] + weights["type"][0]
    hidden = _norm(hidden, weights["norm.w"], weights["norm.b"], config.epsilon)
    bias = jnp.where(mask[:, None, None, :] > 0, 0.0, -1e9)
    layers = {name: value for name, value in weights.items() if name.split(".")[0] in LAYER}

    def layer(hidden: jax.Array, part: Weights) -> tuple[jax.Array, None]:
        return _layer(hidden, part, bias, config, precision), None

    hidden, _ = jax.lax.scan(layer, hidden, layers)
    return hidden


def _layer(hidden: jax.Array, part: Weights, bias: jax.Array, config: Config, precision: DTypeLike) -> jax.Array:
    def product(rows: jax.Array, name: str) -> jax.Array:
        matrix = part[f"{name}.w"].astype(precision).T
        return (rows.astype(precision) @ matrix).astype(jnp.float32) + part[f"{name}.b"]

    batch, tokens, width = hidden.shape
    query, key, value = (product(hidden, name).reshape(batch, tokens, config.heads, -1) for name in "qkv")
    closeness = jnp.einsum("bqhd,bkhd->bhqk", query, key) / jnp.sqrt(width / config.heads) + bias
    seen = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(closeness), value).reshape(batch, tokens, width)
    hidden = _norm(hidden + product(seen, "ao"), part["aln.w"], part["aln.b"], config.epsilon)
    wide = jax.nn.gelu(product(hidden, "fi"), approximate=False)
    return _norm(hidden + product(wide, "fo"), part["oln.w"], part["oln.b"], config.epsilon)


def _norm(rows: jax.Array, scale: jax.Array, shift: jax.Array, epsilon: float) -> jax.Array:
    mean = rows.mean(-1, keepdims=True)
    spread = ((rows - mean) ** 2).mean(-1, keepdims=True)
    return (rows - mean) * jax.lax.rsqrt(spread + epsilon) * scale + shift


def pooled(hidden: jax.Array, counted: jax.Array) -> jax.Array:
    """The mean vector of the counted tokens (1, others 0) of each text: batch x hidden."""
    share = counted[..., None].astype(hidden.dtype)
    return (hidden * share).sum(1) / jnp.maximum(share.sum(1), 1)
