"""Small labelled sets in the format of the shared text data."""

import json
import random
from pathlib import Path


def write_sets(folder: Path) -> Path:
    """Write a review set, a set of fine intents with wrong labels, and a licensed set of dialogue."""
    chance = random.Random(1)
    good, bad = ["味道好", "很新鲜", "喜欢", "推荐"], ["难吃", "太差", "失望", "不新鲜"]

    def write(name: str, rows: list[dict[str, object]]) -> None:
        (folder / name).write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")

    reviews = [
        {"text": f"{chance.choice(words)}，{chance.choice(words)}", "label": label, "split": "train"}
        for _ in range(60)
        for words, label in ((good, 1), (bad, 0))
    ]
    fine = {
        "买家咨询发货时间": ["什么时候发货", "几天能发", "今天发货吗"],
        "买家表示需要退货退款": ["我要退货", "给我退款", "想退掉"],
        "买家打招呼": ["在吗", "你好呀", "有人吗"],
    }
    labels = list(fine)
    intents: list[dict[str, object]] = []
    for label, texts in fine.items():
        for number in range(30):
            wrong = labels[(labels.index(label) + 1) % 3] if number % 10 == 0 else label
            intents.append({"text": chance.choice(texts) + chance.choice("啊呢吧"), "label": wrong, "split": "train"})
    dialogue = [
        {"text": text, "label": label, "split": "train"}
        for _ in range(10)
        for text, label in (("你来了", "neutral"), ("我恨你", "negative"), ("我真高兴", "positive"))
    ]
    write("sentiment_waimai.jsonl", reviews)
    write("intent_cic_ecommerce118.jsonl", intents)
    write("cped_dialogue_sentiment_da.jsonl", dialogue)
    return folder
