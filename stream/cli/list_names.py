"""What customers are called in lists on a terminal."""

from typing import Final, Protocol

from stream.events.rejections import printable

__all__ = ["called_in_list"]

#: A longer name would leave no room for the rest of its row.
_NAME_CHARS: Final = 60


class _Listed(Protocol):
    @property
    def customer_id(self) -> str: ...

    @property
    def name(self) -> str: ...


def called_in_list(one: _Listed) -> str:
    """The name, cut where it is long; else the id, whole: people ask for the customer by that."""
    if len(one.name) <= _NAME_CHARS:
        return printable(one.name or one.customer_id)
    return f"{printable(one.name[: _NAME_CHARS - 3].rstrip())}..."
