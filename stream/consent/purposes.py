"""For what, and by what way, something is to be done with data of a customer."""

from enum import StrEnum
from typing import Final

from stream.catalogue.events import CONTACT_CHANNELS, PURPOSES

__all__ = ["EMAIL", "Purpose"]

#: The contact channel of e-mails.
EMAIL: Final = CONTACT_CHANNELS[0]


class Purpose(StrEnum):
    """What data of a customer is used for, where the customer has a say; `PURPOSES` says what each is."""

    SERVICE = "service"
    MARKETING = "marketing"
    PROFILING = "profiling"


if {*Purpose} != {*PURPOSES}:
    raise ValueError(f"the purposes of the catalogue are {', '.join(PURPOSES)}; expected {', '.join(Purpose)}")
