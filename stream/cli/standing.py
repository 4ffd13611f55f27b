"""How many customers each segment has."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from stream.reporting.assess import NO_SEGMENT

__all__ = ["SegmentSizes", "stand"]


class _Segmented(msgspec.Struct):
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentSizes:
    """``segments``: customers by segment, most first; who has none is counted under `NO_SEGMENT`."""

    customers: int
    segments: dict[str, int]


_decoder = msgspec.json.Decoder(_Segmented)


def stand(documents: Iterable[bytes]) -> SegmentSizes:
    """Count segments over ``documents``."""
    sizes = Counter(_decoder.decode(document).segment or NO_SEGMENT for document in documents)
    return SegmentSizes(
        customers=sizes.total(), segments=dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
    )
