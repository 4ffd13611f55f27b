"""A flame graph of samples of stacks, as an SVG without scripts: ``python -m benchmarks.flame`` takes the samples.

(B. Gregg, "The Flame Graph", Communications of the ACM 59(6), 2016: each frame is as wide as its share of the samples,
over its caller; the order from left to right is that of the alphabet, and means nothing.)
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

__all__ = ["Frame", "draw", "folded"]

_WIDTH, _ROW, _CHARACTER = 1200.0, 16.0, 6.6
#: Shares below this are left out: nobody could read them.
_LEAST = 0.004


@dataclass(slots=True)
class Frame:
    """A function, the samples in which it was on the stack there, and what it called."""

    name: str
    samples: int = 0
    calls: dict[str, Frame] = field(default_factory=dict)


def folded(lines: Iterable[str]) -> Frame:
    """The tree of lines ``outermost;...;innermost samples``, as ``py-spy record --format raw`` writes them.

    Raises ValueError for another line.
    """
    root = Frame("all")
    for line in lines:
        stack, _, count = line.rstrip().rpartition(" ")
        samples = int(count)
        root.samples += samples
        frame = root
        for name in stack.split(";"):
            frame = frame.calls.setdefault(name, Frame(name))
            frame.samples += samples
    return root


def draw(root: Frame, title: str) -> str:
    """The graph as SVG, the outermost frames at the bottom; each has its share of the samples as a tooltip."""
    placed = [*_placed(root, root.samples, 0.0, 0)]
    rows = 1 + max(row for _, _, row in placed)
    height = (rows + 2) * _ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {height:.0f}">',
        "<style>text { font: 11px monospace }</style>",
        f'<rect width="100%" height="100%" fill="#fff"/><text x="4" y="13">{escape(title)}</text>',
    ]
    for frame, left, row in placed:
        share = frame.samples / root.samples
        width = share * _WIDTH
        top = height - (row + 1) * _ROW - 4
        label = frame.name[: int(width / _CHARACTER)]
        shown = f'<text x="{left + 2:.1f}" y="{top + 11:.1f}">{escape(label)}</text>' if len(label) > 2 else ""  # noqa: PLR2004 - two letters say nothing
        lines.append(
            f"<g><title>{escape(frame.name)}: {share:.1%}</title>"
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_ROW - 1:.0f}" fill="{_colour(frame)}"/>'
            f"{shown}</g>"
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _placed(frame: Frame, total: int, left: float, row: int) -> Iterator[tuple[Frame, float, int]]:
    yield frame, left, row
    for call in sorted(frame.calls.values(), key=lambda one: one.name):
        if call.samples >= _LEAST * total:
            yield from _placed(call, total, left, row + 1)
            left += call.samples / total * _WIDTH


def _colour(frame: Frame) -> str:
    """The same for the same file in every graph: yellow to red for the program, blue for what it uses."""
    place = frame.name.rpartition("(")[2].partition(":")[0]
    shade = zlib.crc32(place.encode()) % 60
    hue = 20 + shade / 2 if "stream/" in place else 200 + shade / 2
    return f"hsl({hue:.0f},75%,{66 + shade % 12}%)"
