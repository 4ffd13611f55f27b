"""What a call tells about ids being one person: links, and what cannot be used."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stream.adapters import SamePerson, Translation
from stream.client.event_record import LinkRecord
from stream.client.link_contract import LinkContract
from stream.events.rejections import Rejection, printable
from stream.ingest.outcome import Problem

__all__ = ["ToldLinks", "links_in"]


class ToldLinks(NamedTuple):
    """``records``: each with its position in the request. ``ignored``: calls that tell of one id at most, by name."""

    records: Sequence[tuple[int, LinkRecord]]
    rejected: Sequence[Problem]
    ignored: Mapping[str, int]


def links_in(translations: Sequence[Translation], contract: LinkContract) -> ToldLinks:
    """The links of what a call was translated into."""
    records: list[tuple[int, LinkRecord]] = []
    rejected: list[Problem] = []
    ignored: Counter[str] = Counter()
    for position, told in enumerate(translations):
        if not isinstance(told, SamePerson):
            continue
        links = contract.admit(told.name, told.link_id, told.ids, told.occurred_at)
        if isinstance(links, Rejection):
            rejected.append(Problem(position, told.link_id, links.reason, links.detail))
        elif links:
            records += [(position, link) for link in links]
        else:
            ignored[printable(told.what)] += 1
    return ToldLinks(records, rejected, ignored)
