"""A segment as snapshots carry it: data, without the model that found it."""

from msgspec import Struct

__all__ = ["Segment"]


class Segment(Struct, frozen=True, kw_only=True):
    """A cluster of customers. ``centroid`` is in standardised units; ``share`` of the recent observations."""

    name: str
    share: float
    centroid: tuple[float, ...]
