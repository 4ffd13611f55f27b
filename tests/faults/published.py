"""A: what was published, against what an undisturbed run publishes."""

from collections import Counter
from collections.abc import Iterable

from tests.faults.bench import Bench
from tests.faults.expectation import identity
from tests.faults.scope import Scope

__all__ = ["few", "published"]

SHOWN = 5


def published(bench: Bench, topic: str, scope: Scope) -> tuple[list[str], int]:
    """A: the set of records, the content of every copy, and their order per key. And how many are repeats."""
    wanted = bench.expectation.published[topic]
    bound = {name for name, content in wanted.items() if scope.binds(topic, name, content)}
    violations: list[str] = []
    counts: Counter[str] = Counter()
    extra: set[str] = set()
    order: dict[tuple[object, ...], list[str]] = {}
    for message in bench.read(topic):
        name, content = identity(topic, message.key(), message.value(), message.headers() or ())
        counts[name] += 1
        if name not in bound:
            if name in wanted or not scope.binds(topic, name, content):
                continue
            extra.add(name)
        elif scope.compared(topic, content) != scope.compared(topic, wanted[name]):
            violations.append(f"A: {topic}: copy {counts[name]} of {name} is another: {content} {wanted[name]}")
        elif counts[name] == 1:
            # what is no event has no time, and may have no customer: it has an order within its own log only
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
