"""Whether topics keep records for as long as the settings say."""

from collections.abc import Iterator, Mapping

from stream.catalogue.declaring import Retention
from stream.catalogue.register import TOPIC_STORES
from stream.catalogue.windows import DAY_MS
from stream.cli.findings import Finding, FindingLevel
from stream.settings import Settings

__all__ = ["RETENTION_KEY", "days_in_words", "declared_ms", "retention_findings"]

RETENTION_KEY = "retention.ms"
#: A value of `RETENTION_KEY`: nothing is ever deleted.
_FOR_EVER = -1


def declared_ms(settings: Settings) -> dict[str, int]:
    """How long each topic keeps its records by the settings (ms), -1: for ever. What brokers decide is not here.

    >>> declared_ms(Settings(topic_prefix="eu.", keep_results_days=14))["eu.alerts"]
    1209600000
    """
    found: dict[str, int] = {}
    for name, store in TOPIC_STORES.items():
        topic, days = f"{settings.topic_prefix}{name}", settings.keep_days(store.kept)
        if days is not None:
            found[topic] = days * DAY_MS
        elif store.kept is Retention.DECISIONS:
            found[topic] = _FOR_EVER
    return found


def retention_findings(settings: Settings, kept: Mapping[str, str]) -> Iterator[Finding]:
    """A finding for each topic that keeps longer or shorter than declared, and one for the others together.

    ``kept``: how long each keeps its records, as brokers say.
    """
    alike = 0
    for topic, declared in declared_ms(settings).items():
        if topic not in kept:
            continue
        found_ms = int(kept[topic])
        if found_ms == declared:
            alike += 1
            continue
        keeps_longer = declared != _FOR_EVER and (found_ms == _FOR_EVER or found_ms > declared)
        yield Finding(
            FindingLevel.WARN,
            f"retention {topic}",
            f"keeps records {days_in_words(found_ms)}, declared is {days_in_words(declared)}",
            "personal data stays longer than said: stream topics retain"
            if keeps_longer
            else "what was decided, or has to be read again, is gone too early: stream topics retain",
        )
    if alike:
        yield Finding(FindingLevel.OK, "retention", f"{alike} topics keep records as long as declared")


def days_in_words(milliseconds: int) -> str:
    """A value of `RETENTION_KEY` for people."""
    return "for ever" if milliseconds == _FOR_EVER else f"{milliseconds / DAY_MS:g} days"
