"""Character error rate of recognised Chinese, with and without numerals folded. Pure.

Both texts are compared after NFKC, Traditional → Simplified, lower case, and without punctuation and spaces.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from nlp.normalise import to_simplified

_NUMBER = re.compile(r"\d+(?:\.\d+)?%?")
_DIGITS = str.maketrans("0123456789.", "零一二三四五六七八九点")
# cn2an reads no longer numbers; they are card and phone numbers, read digit by digit anyway.
_LONGEST_VALUE = 16


@dataclass(frozen=True, slots=True)
class Edits:
    """Character edits against a reference."""

    edits: int
    """Substitutions, insertions and deletions, at least."""
    characters: int
    """Of the reference."""

    def __add__(self, other: "Edits") -> "Edits":
        return Edits(edits=self.edits + other.edits, characters=self.characters + other.characters)

    @property
    def rate(self) -> float:
        """Edits per character; 0 for an empty reference without edits."""
        return self.edits / self.characters if self.characters else float(self.edits > 0)


def edits(reference: str, recognised: str) -> Edits:
    """Count edits with numerals as they were written: 30 is not 三十."""
    return _counted(_bare(_folded(reference)), _bare(_folded(recognised)))


def edits_with_numerals_folded(reference: str, recognised: str) -> Edits:
    """Count edits with digits as hanzi, read by value (三十) or digit by digit (三零), whichever fits better."""
    readings: tuple[Callable[[str], str], ...] = (_by_value, _by_digit)
    return min(
        (
            _counted(_bare(read_reference(_folded(reference))), _bare(read_recognised(_folded(recognised))))
            for read_reference in readings
            for read_recognised in readings
        ),
        key=lambda counted: counted.rate,
    )


def distance(one: str, other: str) -> int:
    """Give the Levenshtein distance of two texts, in characters."""
    row = list(range(len(other) + 1))
    for at, character in enumerate(one, start=1):
        diagonal, row[0] = row[0], at
        for column, against in enumerate(other, start=1):
            substituted = diagonal + (character != against)
            diagonal = row[column]
            row[column] = min(substituted, diagonal + 1, row[column - 1] + 1)
    return row[-1]


def _counted(reference: str, recognised: str) -> Edits:
    return Edits(edits=distance(reference, recognised), characters=len(reference))


def _folded(text: str) -> str:
    return to_simplified(unicodedata.normalize("NFKC", text)).lower()


def _bare(text: str) -> str:
    """Strip punctuation, symbols and spaces: Unicode categories P, S, Z and C."""
    return "".join(character for character in text if unicodedata.category(character)[0] not in "PSZC")


def _by_value(text: str) -> str:
    return _NUMBER.sub(lambda number: _value(number.group()), text)


def _value(number: str) -> str:
    digits = number.rstrip("%")
    if len(digits) > _LONGEST_VALUE or (digits[0] == "0" and digits[1:2] not in ("", ".")):
        read = digits.translate(_DIGITS)
    else:
        import cn2an  # its tables load only when a number was said

        read = str(cn2an.an2cn(digits, "low"))
    return f"百分之{read}" if number.endswith("%") else read


def _by_digit(text: str) -> str:
    return _NUMBER.sub(lambda number: number.group().rstrip("%").translate(_DIGITS), text)
