"""Customers as pseudonyms: what stands in topics and in Redis instead of a name or an address."""

import hashlib
import re
from typing import Final

from stream.identity.addresses import customer_of_address

__all__ = ["customer_of_phone", "is_name", "pseudonym"]

#: What is a number or a code, and no name: it reveals nothing about a person without access to the shop.
_CODE: Final = re.compile(r"(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


#: Telephone numbers are the same person if they end alike: the prefix of the country is written or left out.
_PHONE_DIGITS: Final = 9
_PHONE: Final = "phone "


def customer_of_phone(cell: str) -> str:
    """Return a telephone number in the form in which customers are told apart by it; empty without digits.

    >>> {customer_of_phone(cell) for cell in ("+49 151 2345678", "0151/2345678", "0049-151-2345678")}
    {'phone 512345678'}
    """
    digits = "".join(char for char in cell if char.isdecimal())[-_PHONE_DIGITS:]
    return f"{_PHONE}{digits}" if digits else ""


def is_name(customer: str) -> bool:
    """Whether people recognise the customer by this text only, since the id is a hash of it.

    >>> is_name("J. Doe 12"), is_name("C-17"), is_name("phone 512345678"), is_name("")
    (True, False, False, False)
    """
    return bool(customer) and not _CODE.fullmatch(customer) and not customer.startswith(_PHONE)


def pseudonym(email: str, customer: str) -> str:
    """Return the customer id: of the e-mail address if there is one, else of the customer number or user name.

    The id of an address is that under which mail providers' events arrive. A number or code with a digit in it is used
    as it is, for it is a pseudonym already; anything else is hashed. A hash hides an address from readers of a topic;
    anyone who knows the address can compute the hash.

    >>> pseudonym("ann@example.com", "17")[:12], pseudonym("", "C-17"), pseudonym("", "Ann Ode")[:12]
    ('email:71d4f5', 'C-17', 'customer:69b')
    """
    if email:
        return customer_of_address(email)
    if _CODE.fullmatch(customer):
        return customer
    return f"customer:{hashlib.sha256(customer.strip().casefold().encode()).hexdigest()}"
