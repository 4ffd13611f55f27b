"""For what, and by what way, something is to be done with data of a customer."""

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from stream.catalogue.events import CONTACT_CHANNELS, PURPOSES

__all__ = ["EMAIL", "ContactChannel", "Purpose"]

if TYPE_CHECKING:
    # a test compares the names with the declarations
    from stream.events.model import ContactChannel
else:
    ContactChannel = Literal[CONTACT_CHANNELS]

#: The contact channel of e-mails.
EMAIL: Final = CONTACT_CHANNELS[0]


class Purpose(StrEnum):
    """What data of a customer is used for, where the customer has a say; `PURPOSES` says what each is."""

    SERVICE = "service"
    MARKETING = "marketing"
    PROFILING = "profiling"


if {*Purpose} != {*PURPOSES}:
    raise ValueError(f"the purposes of the catalogue are {', '.join(PURPOSES)}; expected {', '.join(Purpose)}")
