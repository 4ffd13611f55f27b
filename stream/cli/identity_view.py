"""Why ids are one person, and why not, in words."""

from collections.abc import Iterator

from stream.events.times import rfc3339
from stream.identity.links import Pair
from stream.identity.resolver import Resolution, Resolver

__all__ = ["pair_in_words", "pairs_apart", "reasons"]


def reasons(resolver: Resolver, found: Resolution) -> list[str]:
    """Links that join, those that join nothing, and what people have taken apart."""
    lines = [f"{one} and {other}: {_said(resolver, one, other)}" for one, other in found.joined]
    refused = [
        f"{one} and {other}: {_said(resolver, one, other)}; joins nothing: {refusal}"
        for (one, other), refusal in found.refused.items()
    ]
    apart = sorted(f"{one} and {other}: {pair_in_words(pair)}" for one, other, pair in pairs_apart(resolver))
    return [*lines, *refused, *apart]


def pairs_apart(resolver: Resolver) -> Iterator[tuple[str, str, Pair]]:
    """Two ids that somebody has taken apart, each pair once."""
    for one, node in resolver.nodes.items():
        for other, pair in node.pairs.items():
            if pair.is_unmerged and (one < other or other not in resolver.nodes):
                yield one, other, pair


def pair_in_words(pair: Pair) -> str:
    """When two ids were seen together, and what was decided about them."""
    told = [] if pair.seen_ms is None else [f"first seen together {rfc3339(pair.seen_ms)}"]
    if pair.decision is not None:
        what = "taken apart" if pair.is_unmerged else "merged"
        told.append(f"{what} {rfc3339(pair.decision.at_ms)} ({pair.decision.link_id})")
    return ", ".join(told)


def _said(resolver: Resolver, one: str, other: str) -> str:
    return pair_in_words(resolver.nodes[one].pairs[other])
