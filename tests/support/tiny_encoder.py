"""An encoder of run time, tiny and random, made without the training libraries."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, processors

from nlp.encoder import COLUMNS, GRAPH, TOKENISER, Columns

QUESTIONS = ("opinion", "positive", "complain", "praise", "promise", "greet", "wait:negative", "wait:positive")
FINE = ("买家咨询发货时间", "买家打招呼")


def write_encoder(folder: Path, *, shares: Mapping[str, float]) -> None:
    """Write the three files of an encoder whose scores are the mean of its tokens' vectors and a look at the others."""
    characters = sorted({*"等了很久您好的早刚才员客:。，嗯字完开一个小时还没轮到我abc1 "})
    vocabulary = [(piece, -float(at)) for at, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *characters])]
    tokeniser = Tokenizer(models.Unigram(vocabulary, 3, byte_fallback=False))
    tokeniser.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s>:1 $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokeniser.save(str(folder / TOKENISER))
    width = len(QUESTIONS) + len(FINE)
    words = np.random.default_rng(1).normal(0, 1, (len(vocabulary), width)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["words", "ids"], ["each"]),
        helper.make_node("Cast", ["mask"], ["seen"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["own", "seen"], ["counted"]),  # the turn's own tokens count twice
        helper.make_node("Unsqueeze", ["counted", "last"], ["weight"]),
        helper.make_node("Mul", ["each", "weight"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "tokens"], ["total"], keepdims=0),
        helper.make_node("ReduceSum", ["weight", "tokens"], ["count"], keepdims=0),
        helper.make_node("Div", ["total", "count"], ["scores"]),
    ]
    kinds = {"ids": TensorProto.INT32, "mask": TensorProto.INT32, "own": TensorProto.FLOAT}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, ["batch", "tokens"]) for name, kind in kinds.items()],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", width])],
        [
            numpy_helper.from_array(words, "words"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "tokens"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(folder / GRAPH))
    columns = Columns(
        model="encoder-test",
        questions=QUESTIONS,
        fine=FINE,
        slope=(1.0,) * len(QUESTIONS),
        offset=(0.0,) * len(QUESTIONS),
        share=dict(shares),
    )
    (folder / COLUMNS).write_text(columns.model_dump_json(), encoding="utf-8")
