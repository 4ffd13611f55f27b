"""Addresses with passwords in them, as they may be shown."""

import re
from typing import Final

__all__ = ["MASK", "PERCENT_ENCODE", "masked", "presentable"]

MASK: Final = "***"

#: What to do about an address that cannot be read.
PERCENT_ENCODE: Final = "percent-encode characters such as # / ? @ [ ] % in user and password (# is %23, / is %2F)"

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://", re.ASCII)
_NAME: Final = r"[\w.~%+-]*"
_HOST: Final = r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
#: An address in which it is certain what is a secret: nothing but the part between the first colon and the only @.
_CLEAR: Final = re.compile(
    rf"(?P<start>[A-Za-z][A-Za-z0-9+.-]*://)(?:(?P<user>{_NAME})(?P<secret>:[^@/?#\s\[\]]*)?@)?"
    rf"(?P<address>{_HOST}(?:,{_HOST})*)(?P<path>(?:/[\w.~%+-]*)*)",
    re.ASCII,
)


def masked(url: str) -> str:
    """``url`` without its password. Where it is not certain what the password is, only the scheme is shown.

    >>> masked("redis://ann:s3cret@cache:6379/0"), masked("redis://cache:6379/0")
    ('redis://ann:***@cache:6379/0', 'redis://cache:6379/0')
    >>> masked("redis://:s3#cret@cache:6379/0"), masked("redis://cache/0?password=s3cret"), masked("s3cret")
    ('redis://***', 'redis://***', '***')
    """
    found = _CLEAR.fullmatch(url)
    if found is None:
        scheme = _SCHEME.match(url)
        return f"{scheme[0]}{MASK}" if scheme else MASK
    if found["user"] is None:
        return url
    # a single word before the @ may be meant as the password
    credentials = f"{found['user']}:{MASK}" if found["secret"] is not None else MASK
    return f"{found['start']}{credentials}@{found['address']}{found['path']}"


def presentable(text: str) -> str:
    """``text`` as it may be shown when nobody knows what it is: masked if it could be an address with a password.

    >>> presentable("2,5"), presentable("redis://:s3cret@cache"), presentable("ann:s3cret@cache:9092")
    ('2,5', 'redis://:***@cache', '***')
    """
    if "://" in text:
        return masked(text)
    return MASK if "@" in text else text
