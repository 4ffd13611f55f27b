"""Charts as SVG to be put into a page: matplotlib draws them, the page's style sheet colours them.

Colours are drawn as placeholders and replaced by CSS variables, so one picture serves light, dark and paper; texts stay
texts, in the font of the page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from stream.reporting.life import Life
from stream.reporting.periods import Period, Sales
from stream.reporting.writing import Writing

__all__ = ["customers_chart", "life_chart", "revenue_chart"]

#: Placeholder -> what the style sheet calls it. No two may look alike to matplotlib, and none is drawn otherwise.
_COLOURS: Final = {
    "#0a0101": "var(--text-2)",
    "#0a0102": "var(--line)",
    "#0a0103": "var(--series-1)",
    "#0a0104": "var(--series-2)",
    "#0a0105": "var(--good)",
    "#0a0106": "var(--warn)",
    "#0a0107": "var(--bad)",
}
_TEXT, _LINE, _FIRST, _SECOND, _GOOD, _WARN, _BAD = _COLOURS
#: What a period that is not over is drawn with.
_UNFINISHED: Final = 0.45
#: Width and height in inches; the text of a chart is as large as that of the page when shown as wide as it is drawn.
_WIDE: Final = (10.4, 3.0)
_HALF: Final = (5.0, 2.9)

_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
_ID = re.compile(r'\s+id="([^"]*)"')
_FONT = re.compile(r"font: (?:[a-z]+ )?([\d.]+)px [^;\"]*")
_SIZE_ATTRIBUTES = re.compile(r'(<svg[^>]*?) width="[^"]*"', re.DOTALL)
_HEIGHT = re.compile(r'(<svg[^>]*?) height="[^"]*"', re.DOTALL)


def revenue_chart(sales: Sales, writing: Writing) -> str:
    """Revenue by period; one that is not over is pale."""

    def draw(axes: Any) -> None:
        values = [period.totals.revenue for period in sales.periods]
        bars = axes.bar(range(len(values)), values, color=_FIRST, width=0.72)
        _pale(bars, sales.periods)
        _money_axis(axes, writing)
        _period_axis(axes, sales, writing, 12)

    return _svg(draw, _WIDE, f"Revenue by {_unit(sales)}")


def customers_chart(sales: Sales, writing: Writing) -> str:
    """New and returning customers by period, stacked."""

    def draw(axes: Any) -> None:
        places = range(len(sales.periods))
        returning = [period.totals.returning for period in sales.periods]
        new = [period.totals.new for period in sales.periods]
        _pale(axes.bar(places, returning, color=_FIRST, width=0.72), sales.periods)
        _pale(axes.bar(places, new, bottom=returning, color=_SECOND, width=0.72), sales.periods)
        _count_axis(axes, writing)
        _period_axis(axes, sales, writing, 6)

    return _svg(draw, _HALF, f"New and returning customers by {_unit(sales)}")


def life_chart(life: Sequence[Life], sales: Sales, writing: Writing) -> str:
    """Active, at risk and lost customers at the end of each period, stacked."""

    def draw(axes: Any) -> None:
        places = np.arange(len(life))
        layers = [[getattr(at, name) for at in life] for name in ("active", "at_risk", "lost")]
        axes.stackplot(places, layers, colors=[_GOOD, _WARN, _BAD], linewidth=0)
        axes.set_xlim(0, max(len(life) - 1, 1))
        _count_axis(axes, writing)
        _period_axis(axes, sales, writing, 6)

    return _svg(draw, _HALF, f"Active, at risk and lost customers at the end of each {_unit(sales)}")


def _unit(sales: Sales) -> str:
    return "week" if sales.weekly else "month"


def _pale(bars: Any, periods: Sequence[Period]) -> None:
    for bar, period in zip(bars, periods, strict=True):
        if not period.complete:
            bar.set_alpha(_UNFINISHED)


def _money_axis(axes: Any, writing: Writing) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: writing.short(value)))


def _count_axis(axes: Any, writing: Writing) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: writing.number(value)))
    axes.set_ylim(bottom=0)


def _period_axis(axes: Any, sales: Sales, writing: Writing, max_labels: int) -> None:
    """Label every period, or every so many, counted from the last."""
    periods = sales.periods
    step = -(-len(periods) // max_labels)
    places = range(len(periods) - 1, -1, -step)
    axes.set_xticks([*places], [writing.axis_day(periods[k].begin, weekly=sales.weekly) for k in places])


def _svg(draw: Callable[[Any], None], size: tuple[float, float], title: str) -> str:
    style = {"svg.fonttype": "none", "svg.hashsalt": title, "font.size": 9}
    with rc_context(style):  # type: ignore[arg-type]  # its stub knows only the names that were there once
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.patch.set_visible(False)
        axes.grid(axis="y", color=_LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        for side in axes.spines.values():
            side.set_visible(False)
        axes.tick_params(colors=_TEXT, length=0)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True)
    return _embedded(text.getvalue(), title)


def _embedded(svg: str, title: str) -> str:
    """``svg`` as a part of a page: no prologue, no ids that another picture has, colours and fonts of the page."""
    svg = _METADATA.sub("", _HEAD.sub("", svg, count=1))
    svg = _ID.sub(lambda found: found[0] if f"#{found[1]}" in svg else "", svg)
    for placeholder, variable in _COLOURS.items():
        svg = svg.replace(placeholder, variable)
    svg = _FONT.sub(r"font-size: \1px", svg)
    svg = _HEIGHT.sub(r"\1", _SIZE_ATTRIBUTES.sub(r"\1", svg, count=1), count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
