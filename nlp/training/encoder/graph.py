"""The encoder as an ONNX graph of ONNX Runtime's fused operators, in 8 bits."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from nlp.training.encoder.bert import LAYER, Config

Arrays = Mapping[str, NDArray[np.float32]]

INPUTS: Final = ("ids", "mask", "own")
OUTPUT: Final = "scores"
_FUSED: Final = "com.microsoft"
_OPSET: Final = 17
_IR_VERSION: Final = 9
_POSITIONS: Final = 256
"""Longest text in tokens: nlp.framing cuts far before."""


class _Graph:
    """Nodes and constants, in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, *inputs: str, output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output


def float_graph(weights: Arrays, config: Config) -> Any:
    """The ONNX model: ids and mask (int32, batch x tokens), own (float) -> scores (batch x columns).

    The word vectors are already in 8 bits, one scale for each piece; all else is in 32-bit floats.
    """
    graph = _Graph()
    hidden = _embeddings(graph, weights, config)
    for layer in range(config.layers):
        part = {name: weights[name][layer] for name in (f"{one}.{kind}" for one in LAYER for kind in "wb")}
        hidden = _layer(graph, part, hidden, f"layer{layer}", config)
    _head(graph, weights, hidden)
    given = [
        helper.make_tensor_value_info(
            name, TensorProto.FLOAT if name == "own" else TensorProto.INT32, ["batch", "tokens"]
        )
        for name in INPUTS
    ]
    result = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", weights["head.b"].shape[0]])
    made = helper.make_graph(graph.nodes, "encoder", given, [result], graph.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _embeddings(graph: _Graph, weights: Arrays, config: Config) -> str:
    scale = np.abs(weights["word"]).max(1, keepdims=True).clip(min=1e-9) / 127
    words = np.rint(weights["word"] / scale).astype(np.int8)
    steps = graph.add("Gather", graph.constant("words", words), "ids", output="word.steps")
    whole = graph.add("Cast", steps, output="word.floats", to=TensorProto.FLOAT)
    scales = graph.add("Gather", graph.constant("word.scale", scale.astype(np.float32)), "ids", output="word.scales")
    word = graph.add("Mul", whole, scales, output="word")
    positions = graph.constant("positions", weights["position"][:_POSITIONS] + weights["type"][0])
    size = graph.add("Shape", "ids", output="tokens", start=1, end=2)
    zero = graph.constant("zero", np.array([0], np.int64))
    place = graph.add("Slice", positions, zero, size, zero, output="place")
    both = graph.add("Add", word, place, output="placed")
    norm = [graph.constant(f"norm.{kind}", weights[f"norm.{kind}"]) for kind in "wb"]
    return graph.add("LayerNormalization", both, *norm, output="embedded", epsilon=config.epsilon)


def _layer(graph: _Graph, part: Arrays, hidden: str, name: str, config: Config) -> str:
    def constant(which: str, value: NDArray[Any]) -> str:
        return graph.constant(f"{name}.{which}", value)

    def norm(rows: str, before: str, which: str, bias: str) -> str:
        weights = [constant(f"{which}.{kind}", part[f"{which}.{kind}"]) for kind in "wb"]
        return graph.add(
            "SkipLayerNormalization", rows, before, *weights, constant(bias, part[bias]),
            output=f"{name}.{which}", domain=_FUSED, epsilon=config.epsilon,
        )  # fmt: skip

    attention = constant("qkv.w", np.concatenate([part[f"{one}.w"].T for one in "qkv"], axis=1))
    bias = constant("qkv.b", np.concatenate([part[f"{one}.b"] for one in "qkv"]))
    seen = graph.add(
        "Attention", hidden, attention, bias, "mask", output=f"{name}.seen", domain=_FUSED, num_heads=config.heads
    )
    mixed = graph.add("MatMul", seen, constant("ao.w", part["ao.w"].T), output=f"{name}.ao")
    hidden = norm(mixed, hidden, "aln", "ao.b")
    wide = graph.add("MatMul", hidden, constant("fi.w", part["fi.w"].T), output=f"{name}.fi")
    bent = graph.add("BiasGelu", wide, constant("fi.b", part["fi.b"]), output=f"{name}.gelu", domain=_FUSED)
    narrow = graph.add("MatMul", bent, constant("fo.w", part["fo.w"].T), output=f"{name}.fo")
    return norm(narrow, hidden, "oln", "fo.b")


def _head(graph: _Graph, weights: Arrays, hidden: str) -> None:
    """The mean over the turn's own tokens, and the columns' scores of it; in floats, since it is small."""
    last = graph.constant("last", np.array([2], np.int64))
    over_tokens = graph.constant("over tokens", np.array([1], np.int64))
    own = graph.add("Unsqueeze", "own", last, output="own.each")
    total = graph.add(
        "ReduceSum", graph.add("Mul", hidden, own, output="own.hidden"), over_tokens, output="sum", keepdims=0
    )
    count = graph.add("ReduceSum", own, over_tokens, output="count", keepdims=0)
    mean = graph.add("Div", total, count, output="mean")
    graph.add(
        "Gemm",
        mean,
        graph.constant("head.w", weights["head.w"]),
        graph.constant("head.b", weights["head.b"]),
        output=OUTPUT,
    )


def write(path: Path, weights: Arrays, config: Config) -> None:
    """Write the graph with matrices in 8 bits, one scale for each column; products are made in integers.

    Weights are kept to 7 of the 8 bits: older processors saturate the sum of two products of 8 bits.
    """
    with TemporaryDirectory() as place:
        whole = Path(place, "float.onnx")
        onnx.save(float_graph(weights, config), str(whole))
        quantize_dynamic(
            whole,
            path,
            op_types_to_quantize=["MatMul", "Attention"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            # Shape inference does not know the fused operators; all that they give is in floats.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
