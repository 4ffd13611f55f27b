"""Which ids are one person, for the console's page of a customer."""

import threading
from collections.abc import Mapping, Sequence

from stream.cli.data_files import contacts_file, contacts_of
from stream.cli.identity_deciding import decide_identity
from stream.cli.identity_lookup import id_of, is_decided, resolver_near
from stream.cli.identity_suggest import contact_in_words, person_of, suggestion_in_words
from stream.cli.identity_view import pair_in_words, pairs_apart
from stream.console.operations import KnownIds, LikelySame, LinkedId
from stream.errors import StorageError
from stream.identity.records import IdentityDecision
from stream.identity.resolver import Resolver
from stream.identity.suggestions import Blocks, suggestions
from stream.imports.contacts import Contact
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["ShopIdentities"]

#: Likely duplicates, and ids, of one customer that are shown.
_SHOWN = 10
_IDS = 50


class ShopIdentities:
    """See `stream.console.operations.Operations`. Keeps who is compared with whom, until contacts change."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._blocks: tuple[object, Blocks] | None = None

    def known(self, customer_id: str) -> KnownIds:
        """The other ids of a person, what was taken apart, and who may be the same."""
        try:
            with ProjectionDesk(self._settings) as desk:
                resolver = resolver_near(desk, customer_id)
                likely = [
                    one for one in self._likely(customer_id) if not is_decided(desk, customer_id, one.customer_id)
                ]
        except StorageError as error:
            return KnownIds(customer_id, note=f"Which ids are the same person cannot be shown now: {error}")
        customer = resolver.customer_of(customer_id)
        linked = sorted(one for one in resolver.nodes if one != customer_id and resolver.customer_of(one) == customer)
        linked = linked[:_IDS]
        apart = {
            (other if one == customer_id else one): pair_in_words(pair)
            for one, other, pair in pairs_apart(resolver)
            if customer_id in {one, other}
        }
        people = contacts_of(self._settings, [*linked, *apart])
        return KnownIds(
            customer,
            [LinkedId(one, _told(people, one), _why(resolver, customer_id, one)) for one in linked],
            [LinkedId(one, _told(people, one), why) for one, why in sorted(apart.items())[:_IDS]],
            likely[:_SHOWN],
            history_days=self._settings.identity_history_days if self._settings.follows_identities else 0,
        )

    def contacts(self, customer_ids: Sequence[str]) -> Mapping[str, Contact]:
        return contacts_of(self._settings, customer_ids)

    def id_of(self, text: str) -> str:
        return id_of(self._settings, text)

    def decide(self, what: IdentityDecision, one: str, other: str, by: str) -> str:
        return decide_identity(self._settings, what, one, other, by)

    def _likely(self, customer_id: str) -> Sequence[LikelySame]:
        with contacts_file(self._settings) as file:
            own = file.find([customer_id]).get(customer_id)
            if own is None:
                return []
            person = person_of(customer_id, own)
            with self._lock:
                if self._blocks is None or self._blocks[0] != file.stamp():
                    stamp = file.stamp()
                    self._blocks = stamp, Blocks(person_of(*one) for one in file.all())
                blocks = self._blocks[1]
            near = file.find(blocks.near(person))
        found = suggestions([person, *(person_of(*one) for one in near.items())])
        pairs = [
            (pair.other if pair.one == customer_id else pair.one, pair) for pair in found if customer_id in pair[:2]
        ]
        return [LikelySame(one, contact_in_words(near[one]), suggestion_in_words(pair)) for one, pair in pairs]


def _told(people: Mapping[str, Contact], customer_id: str) -> str:
    return contact_in_words(people[customer_id]) if customer_id in people else ""


def _why(resolver: Resolver, customer_id: str, other: str) -> str:
    """What is known of the pair; empty for ids that others connect."""
    pair = resolver.nodes[other].pairs.get(customer_id)
    return "" if pair is None else pair_in_words(pair)
