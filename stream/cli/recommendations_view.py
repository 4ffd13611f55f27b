"""RecommendationLists on a terminal."""

from collections.abc import Iterator

import msgspec
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.cli.recommendations_desk import ShopRecord
from stream.events.rejections import printable
from stream.recommending.association_rules import AssociationRule, AssociationRules
from stream.recommending.recommended import RecommendationLists

__all__ = ["first_rules", "recommendation_tables", "recommendations_view", "record_view", "rules_view"]


def recommendations_view(found: RecommendationLists) -> RenderableType:
    """Three lists with reasons; or that there is nothing to show."""
    nothing = "nothing to offer: what is known of items is left out, complained about, or bought already"
    return Group(*([*recommendation_tables(found)] or [Text(nothing)]))


def first_rules(found: AssociationRules, limit: int) -> AssociationRules:
    """The same with the first rules only."""
    return msgspec.structs.replace(found, rules=found.rules[:limit])


def rules_view(found: AssociationRules, limit: int) -> RenderableType:
    """The first rules as sentences, and how far they can be trusted."""
    table = Table("rule", "customers", "of all", box=box.SIMPLE_HEAD, pad_edge=False)
    for rule in found.rules[:limit]:
        table.add_row(
            Text(_sentence(rule, found.days)), f"{rule.customers:,} of {rule.buyers:,}", f"{rule.support:.1%}"
        )
    told = (
        f"{len(found.rules):,} rules of {found.tested:,} pairs of items and {found.customers:,} customers; at most"
        f" {found.false_share:.0%} of them are expected to be chance."
    )
    return Group(*([table] if found.rules else []), Text(told))


def record_view(found: ShopRecord) -> RenderableType:
    """How good lists were, and what the figures mean."""
    table = Table("list of ten", "orders", "with an item of the list", "NDCG", box=box.SIMPLE_HEAD, pad_edge=False)
    for title, one in zip(("buy again", "you may also like"), (found.again, found.also), strict=True):
        hits = "-" if one.hit_share is None else f"{one.hit_share:.0%}"
        table.add_row(title, f"{one.lists:,}", hits, "-" if one.ndcg is None else f"{one.ndcg:.3f}")
    return Group(table, Text("Each list was made before the order with which it is compared."))


def _sentence(rule: AssociationRule, days: int) -> str:
    item, follower = printable(rule.item), printable(rule.follower)
    return (
        f"Who buys {item} buys {follower} within {days} {'day' if days == 1 else 'days'}: {rule.confidence:.0%},"
        f" {rule.lift:.1f} times as often as customers alike."
    )


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
