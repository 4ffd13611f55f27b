"""Addresses with passwords in them, as they may be shown."""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

__all__ = [
    "MASK",
    "PERCENT_ENCODE",
    "SentinelAddress",
    "is_sentinel",
    "masked",
    "presentable",
    "sentinel_address",
]

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
    """``text`` in a form that is safe to show: masked if it could be an address with a password.

    >>> presentable("2,5"), presentable("redis://:s3cret@cache"), presentable("ann:s3cret@cache:9092")
    ('2,5', 'redis://:***@cache', '***')
    """
    if "://" in text:
        return masked(text)
    return MASK if "@" in text else text


class SentinelAddress(NamedTuple):
    """Sentinels that know the primary of ``service``, and how to speak to it. Empty user and password: none."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int
    username: str
    password: str
    tls: bool


_SENTINEL: Final = re.compile(
    rf"redis(?P<tls>s)?\+sentinel://(?:(?P<user>{_NAME})(?::(?P<password>[^@/?#\s\[\]]*))?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)/(?P<service>[\w.-]+)(?:/(?P<database>\d{{1,5}}))?/?",
    re.ASCII,
)
_SENTINEL_PORT: Final = 26379


def is_sentinel(url: str) -> bool:
    """Whether ``url`` says that sentinels are to be asked."""
    return url.startswith(("redis+sentinel://", "rediss+sentinel://"))


def sentinel_address(url: str) -> SentinelAddress:
    """The parts of ``redis[s]+sentinel://[[user]:password@]host[:port][,host[:port]...]/service[/db]``.

    Raises ValueError for anything else.

    >>> sentinel_address("redis+sentinel://:p%40ss@a:1,b/shop/2")[:4]
    ((('a', 1), ('b', 26379)), 'shop', 2, '')
    """
    found = _SENTINEL.fullmatch(url)
    if found is None:
        raise ValueError("expected redis+sentinel://[[user]:password@]host:port[,host:port...]/service[/db]")
    sentinels = []
    for one in found["hosts"].split(","):
        name, colon, port = one.rpartition(":")
        has_port = bool(colon) and port.isdigit()
        host = (name if has_port else one).strip("[]")
        sentinels.append((host, int(port) if has_port else _SENTINEL_PORT))
    return SentinelAddress(
        tuple(sentinels),
        found["service"],
        int(found["database"] or 0),
        unquote(found["user"] or ""),
        unquote(found["password"] or ""),
        found["tls"] is not None,
    )
