"""The customers that segments are named after, as points in the standardised space of the segments.

0 is the average customer, 1 is one standard deviation more.
"""

from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["ARCHETYPES", "ENGAGED"]

#: Clicks and e-mails beyond this many deviations make no further difference: "engaged".
ENGAGED: Final = 2.0


class Archetype(NamedTuple):
    """Standardised coordinates of a typical customer; ``engaged`` is the greater of clicks and e-mails."""

    recency: float
    frequency: float
    spend: float
    orders: float
    order_value: float
    tenure: float
    engaged: float


#: recency: > 0 is longer since the last order; frequency, spend: 90 days; orders, tenure: whole history.
ARCHETYPES = MappingProxyType(
    {
        "Champions": Archetype(-1.1, 1.5, 1.0, 1.9, 0.2, 0.9, 0.0),
        "Loyal": Archetype(-0.2, 0.2, 0.2, 0.7, -0.2, 0.9, 0.0),
        "Engaged": Archetype(-0.4, 0.6, 0.6, 0.8, 0.2, 0.8, 2.0),
        "Big baskets": Archetype(0.0, 0.1, 0.7, 0.4, 1.1, 0.7, 0.0),
        "Promising": Archetype(-0.1, 0.2, 0.5, -0.5, 0.2, -0.6, 0.0),
        "New": Archetype(-1.0, 0.0, 0.2, -0.9, -0.2, -2.0, 0.0),
        "Browsing": Archetype(0.7, -0.7, -0.6, -0.4, -0.2, 0.3, 2.0),
        "At risk": Archetype(1.0, -0.9, -0.8, -0.1, 0.4, 0.8, -0.2),
        "Hibernating": Archetype(1.3, -1.2, -1.4, -0.5, -0.9, 0.8, -0.2),
        "Lost": Archetype(2.4, -2.1, -3.0, -0.8, -0.5, 0.8, -0.3),
    }
)
