"""Why a customer moved from one segment to another: the behaviours that brought the new centroid nearer."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from stream.features.registry import INPUT_SCALE
from stream.online_models.snapshot import SegmentSnapshot

__all__ = ["WORDS", "move_reason"]

#: Behaviours told, at most; one that did less than this share of the whole is left out.
_MAX_TOLD = 3
_MIN_SHARE = 0.15

#: The text for a behaviour, with its value.
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "days_since_purchase": "last order {:.0f} days ago",
        "purchases_90d": "{:.0f} orders in 90 days",
        "spend_90d": "{:,.2f} spent in 90 days",
        "purchases_total": "{:.0f} orders in all",
        "order_value": "{:,.2f} an order",
        "tenure": "known for {:.0f} days",
        "clicks_90d": "{:.0f} site events in 90 days",
        "emails_90d": "{:.0f} e-mails opened, clicked or answered in 90 days",
    }
)


def move_reason(
    segments: SegmentSnapshot, inputs: Sequence[int], values: Mapping[str, float], source: int, target: int
) -> str:
    """One sentence: what the customer does that is more like the segment ``target`` than like ``source``.

    ``inputs`` int16[features] and ``values`` (by feature) are as of the move; ``source`` is -1 for the first segment of
    a customer. Behaviours are in the order of how much they add to the difference of the squared distances.
    """
    z = [
        (inputs[column] / INPUT_SCALE - mean) / scale
        for column, mean, scale in zip(segments.columns, segments.means, segments.scales, strict=True)
    ]
    there = segments.segments[target]
    known = 0 <= source < len(segments.segments)
    # without a segment before, the typical customer, who stands at 0
    here = segments.segments[source].centroid if known else (0.0,) * len(z)
    gains = {
        name: (x - old) ** 2 - (x - new) ** 2
        for name, x, old, new in zip(segments.features, z, here, there.centroid, strict=True)
    }
    whole = sum(gain for gain in gains.values() if gain > 0.0)
    by_gain = sorted(gains, key=lambda name: -gains[name])[:_MAX_TOLD]
    told = [name for name in by_gain if gains[name] >= _MIN_SHARE * whole] or by_gain[:1]
    facts = ", ".join(_fact(name, values[name]) for name in told)
    if not known:
        return f"{facts}: most like {there.name}"
    return f"{facts}: more like {there.name} than {segments.segments[source].name}"


def _fact(name: str, value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN: not known yet
        return f"{name} not known yet"
    text = WORDS[name].format(value) if name in WORDS else f"{name} {value:,.2f}"
    return text.replace("1 orders", "1 order", 1) if text.startswith("1 orders") else text
