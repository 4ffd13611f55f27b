"""Numbers as people and their systems write them: 1299.00, 1,299.00, 1.299,00, 1 299,00, (12.50), 12,50-.

A single cell does not always tell what it means: ``1,299`` is 1299 in one country and 1.299 in another. A column mostly
does, so look at all of it first (`DecimalSigns`), then read its cells (`number`).
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["DOUBTFUL", "DecimalSigns", "decimal_sign_of", "number"]

#: What `decimal_sign_of` says of a cell that can be read in both ways.
DOUBTFUL: Final = "?"

_GROUP_CHARACTERS = "\u0020\u00a0\u2009\u202f'\u2019"
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SIGNED = re.compile(r"(?P<minus>[-\u2212])|[+]?")
_MARKS = re.compile(r"[^.,]")


def _other(sign: str) -> str:
    return "," if sign == "." else "."


def _body_pattern(decimal: str) -> re.Pattern[str]:
    group = f"[{re.escape(_other(decimal) + _GROUP_CHARACTERS)}]"
    grouped = rf"[0-9]{{1,3}}(?P<group>{group})(?:[0-9]{{2,3}}(?P=group))*[0-9]{{3}}"
    point = re.escape(decimal)
    return re.compile(rf"(?P<whole>{grouped}|[0-9]+|(?={point}[0-9]))(?:{point}(?P<part>[0-9]*))?")


_BODIES = {decimal: _body_pattern(decimal) for decimal in ".,"}


def number(cell: str, decimal: str = ".") -> float | None:
    r"""Return the finite number that `cell` is, or None.

    ``decimal`` is "." or ","; the other one, spaces and apostrophes may group thousands. A minus may stand before or
    behind, or be a pair of parentheses. Currency signs and underscores are in no number.

    >>> number("1,299.50"), number("1.299,50", ","), number("1\u202f299,5", ","), number("(12.50)"), number("3-")
    (1299.5, 1299.5, 1299.5, -12.5, -3.0)
    >>> number("1_299"), number("12,50"), number("nan"), number("1e999"), number("")
    (None, None, None, None, None)
    """
    text = cell.strip()
    if decimal == "." and _PLAIN.fullmatch(text):
        return _finite(float(text))
    negative = False
    if text.startswith("(") and text.endswith(")"):
        negative, text = True, text[1:-1].strip()
    elif text.endswith(("-", "\u2212")):
        negative, text = True, text[:-1].rstrip()
    elif found := _SIGNED.match(text):
        negative, text = found["minus"] is not None, text[found.end() :].lstrip()
    body = _BODIES[decimal].fullmatch(text)
    if body is None:
        return None
    whole = body["whole"].replace(body["group"], "") if body["group"] else body["whole"]
    value = _finite(float(f"{whole or '0'}.{body['part'] or '0'}"))
    return -value if value is not None and negative else value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def decimal_sign_of(cell: str) -> str | None:
    """Return the decimal sign that `cell` shows: "." or ",", `DOUBTFUL` where it can be read in both ways, else None.

    >>> [decimal_sign_of(cell) for cell in ("19,90", "1.299,00", "1,299,000", "1299", "1,299")]
    [',', ',', '.', None, '?']
    """
    marks = _MARKS.sub("", cell)
    if not marks:
        return None
    last = marks[-1]
    if len(set(marks)) > 1:
        return last if marks.count(last) == 1 else None
    if len(marks) > 1:
        return _other(last)
    before, _, after = cell.strip().strip("()-+\u2212").rpartition(last)
    digits = sum(map(str.isdigit, before))
    is_group = len(after) == len("000") and after.isdigit() and 1 <= digits <= len("000") and before.strip("0 ") != ""
    return DOUBTFUL if is_group else last


@dataclass(slots=True)
class DecimalSigns:
    """What the cells of a column show.

    >>> signs = DecimalSigns.of(["1.299", "19,90"])
    >>> signs.sign, signs.number("1.299")
    (',', 1299.0)
    >>> DecimalSigns.of(["1,299"]).sign is None
    True
    """

    counts: dict[str, int] = field(default_factory=lambda: {".": 0, ",": 0})
    doubtful: str | None = None

    @classmethod
    def of(cls, cells: Iterable[str]) -> "DecimalSigns":
        signs = cls()
        for cell in cells:
            signs.see(cell)
        return signs

    def see(self, cell: str) -> None:
        """Take `cell` into account."""
        sign = decimal_sign_of(cell)
        if sign == DOUBTFUL:
            # "1.299" comes out as written unless a comma shows up elsewhere; "1,299" needs an answer
            if self.doubtful is None or ("," in cell and "," not in self.doubtful):
                self.doubtful = cell.strip()
        elif sign is not None:
            self.counts[sign] += 1

    @property
    def mixed(self) -> bool:
        """Whether some cells show a point and others a comma."""
        return all(self.counts.values())

    @property
    def sign(self) -> str | None:
        """The sign of the column; None if no cell tells, or cells contradict each other."""
        shown = [sign for sign, count in self.counts.items() if count]
        return shown[0] if len(shown) == 1 else None

    def number(self, cell: str, default: str = ".") -> float | None:
        """Read `cell` by the sign of the column, in a mixed column by its own. None: no number, or in doubt."""
        sign = self.sign
        if sign is None and self.mixed:
            sign = decimal_sign_of(cell)
            if sign == DOUBTFUL:
                return None
        return number(cell, sign or default)
