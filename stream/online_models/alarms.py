"""Alarms of drift, as people are told of them. River stays out: who shows alarms need not wait for it."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Detector", "FeatureAlarm", "LossAlarm"]


class Detector(StrEnum):
    """Which detector spoke. A closed set, so that it can label a metric."""

    ADWIN = "adwin"
    PAGE_HINKLEY = "page_hinkley"


class LossAlarm(NamedTuple):
    """The log loss of ``model`` has risen over what it expects."""

    detector: Detector
    model: str


class FeatureAlarm(NamedTuple):
    """The mean of ``feature`` among new observations is not what it was."""

    detector: Detector
    feature: str
