"""The notes that follow from a link, as the projection `identity` publishes them."""

from collections.abc import Iterator

from stream.identity.arrival_notes import NOTE_HEADERS, Assigned, encode_note
from stream.identity.links import Link
from stream.identity.note_proof import NoteProof
from stream.identity.resolver import Resolver

__all__ = ["assigned_notes"]


def assigned_notes(
    resolver: Resolver, link: Link, version: int, proof: NoteProof
) -> Iterator[tuple[str, bytes, list[tuple[str, bytes | None]]]]:
    """Id, value and headers of the note for each id that the link gives another customer."""
    for own_id, customer in resolver.take(link, version + 1).items():
        edition = resolver.edition_of(customer)
        note = encode_note(Assigned(id=own_id, customer_id=customer, version=version, edition=edition))
        yield own_id, note, [*NOTE_HEADERS, *proof.headers(own_id.encode(), note)]
