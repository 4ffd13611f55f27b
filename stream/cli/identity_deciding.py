"""What people decide about two ids: that they are one person, or two."""

import time
import uuid

from stream.cli.publish_one import publish_one
from stream.errors import SettingsError
from stream.identity.records import KEY, IdentityDecision, IdentityLink, encode_link
from stream.settings import Settings

__all__ = ["decide_identity"]

#: Characters of a name that are part of the link's id.
_NAME_CHARS = 60


def decide_identity(settings: Settings, what: IdentityDecision, one: str, other: str, by: str) -> str:
    """Publish what ``by`` decided about two ids, as they are stored; returns the id of the link that tells of it.

    Of a ``merge``, ``other`` stays. Raises `SettingsError` for ids that do not each tell a person, or one who was
    erased, else as `publish_one`.
    """
    # not for the help of other commands: what erases takes a second to import
    from stream.cli.not_erased import check_not_erased

    # who decided is part of the id, so that it is known as long as the decision
    link_id = f"{by[:_NAME_CHARS]}-{uuid.uuid4().hex[:16]}"
    link = IdentityLink(
        link_id=link_id, name=what, one=one, other=other, occurred_at=time.time_ns() // 1_000_000 / 1000, by=by
    )
    if not (one.isprintable() and other.isprintable()) or link.link().tells_nobody:
        raise SettingsError(f"{one} and {other}: expected two ids that each tell a person")
    check_not_erased(settings, one, other)
    publish_one(settings, settings.identities, KEY.encode(), encode_link(link), what)
    return link_id
