"""A: published records against those of an undisturbed run."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from tests.faults.bench import Bench
from tests.faults.expectation import identity
from tests.faults.scope import Scope

__all__ = ["differing", "few", "published"]

SHOWN = 5


class _Nothing:
    """What one side does not have."""

    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def published(bench: Bench, topic: str, scope: Scope) -> tuple[list[str], int]:
    """A: the set of records, the content of every copy, and their order per key. And how many are repeats."""
    wanted = bench.expectation.published[topic]
    bound = {name for name, content in wanted.items() if scope.binds(topic, name, content)}
    violations: list[str] = []
    counts: Counter[str] = Counter()
    extra: set[str] = set()
    order: dict[tuple[object, ...], list[str]] = {}
    for message in bench.topics.read(topic):
        name, content = identity(topic, message.key(), message.value(), message.headers() or ())
        if topic == "alerts" and content.get("heard") is not None:
            continue  # of projections: `tests.faults.projection_faults` looks at them
        counts[name] += 1
        if name not in bound:
            if name in wanted or not scope.binds(topic, name, content):
                continue
            extra.add(name)
        elif scope.compared(topic, content) != scope.compared(topic, wanted[name]):
            difference = differing(scope.compared(topic, content), scope.compared(topic, wanted[name]))
            violations.append(f"A: {topic}: copy {counts[name]} of {name} is another: {difference}")
        elif counts[name] == 1:
            # an invalid record has no time and perhaps no customer, so it is ordered within its own log only
            source = name.rpartition("/")[0] if topic == "dead-letters" else ""
            order.setdefault((message.partition(), message.key(), source), []).append(name)
    missing = bound - counts.keys()
    if missing or extra:
        violations.append(
            f"A: {topic}: {len(missing)} of {len(bound)} missing {few(missing)}, {len(extra)} too many {few(extra)}"
        )
    position = {name: k for k, name in enumerate(wanted)}
    for origin, names in order.items():
        if [position[name] for name in names] != sorted(position[name] for name in names):
            violations.append(f"A: {topic}: the records of {str(origin)[:100]} were published out of order")
    return violations, sum(counts.values()) - len(counts)


def few(names: Iterable[object]) -> str:
    """Some of the names, for a message."""
    listed = sorted(map(str, names))
    return ", ".join(listed[:SHOWN]) + (", ..." if len(listed) > SHOWN else "")


def differing(found: Any, wanted: Any, path: str = "") -> str:
    """The differences of two contents; a message has no room for equal fields.

    >>> differing({"a": 1, "b": [{"c": 2.0}, 3]}, {"a": 1, "b": [{"c": 2.5}]})
    'b.0.c: 2.0, wanted 2.5; b.1: 3, wanted nothing'
    """
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        names = dict.fromkeys([*found, *wanted])
        pairs = [(str(name), found.get(name, _NOTHING), wanted.get(name, _NOTHING)) for name in names]
    elif isinstance(found, list) and isinstance(wanted, list):
        beside = enumerate(zip_longest(found, wanted, fillvalue=_NOTHING))
        pairs = [(str(k), *sides) for k, sides in beside]
    else:
        return "" if found == wanted else f"{path}: {found!r}, wanted {wanted!r}"
    parts = [differing(a, b, f"{path}.{name}" if path else name) for name, a, b in pairs]
    return "; ".join(part for part in parts if part)
