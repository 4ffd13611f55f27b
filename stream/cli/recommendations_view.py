"""RecommendationLists on a terminal."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.events.rejections import printable
from stream.recommending.recommended import RecommendationLists

__all__ = ["recommendation_tables", "recommendations_view"]


def recommendations_view(found: RecommendationLists) -> RenderableType:
    """Three lists with reasons."""
    return Group(*recommendation_tables(found))


def recommendation_tables(found: RecommendationLists) -> Iterator[RenderableType]:
    """One table for each list that is not empty."""
    titles = ("buy again", "you may also like", "goes with the last order")
    for title, items in zip(titles, (found.again, found.also, found.goes_with), strict=True):
        if not items:
            continue
        table = Table(title, "why", box=box.SIMPLE_HEAD, pad_edge=False)
        for one in items:
            table.add_row(Text(printable(one.item), "bold"), Text(printable(one.reason)))
        yield table
