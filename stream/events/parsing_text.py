"""What a text file does not say of itself: its encoding, and what separates its cells."""

import codecs
import csv
from collections.abc import Collection, Iterable, Iterator

from charset_normalizer import from_bytes

from stream.errors import EventLogError

__all__ = ["DELIMITERS", "delimiter_of", "encoding_of", "required_encoding"]

#: In the order in which they win when they divide a header into as many cells.
DELIMITERS = (",", ";", "\t", "|")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: What shops' systems and spreadsheets still write. The first is by far the most common, and wins where all is equal.
_LEGACY = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp932", "gb18030", "big5", "euc_kr", "euc_jp")
_JAPANESE = ("cp932", "euc_jp")
#: The share of kana among the characters that are not ASCII.
_MIN_KANA = 0.1
_MAX_MESS = 0.4
_SAMPLE_BYTES = 65_536


def required_encoding(name: str) -> str:
    """Return `name` if Python knows such an encoding of text. Raises EventLogError.

    >>> required_encoding("latin1")
    'latin1'
    """
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise EventLogError(f"{name!r} is no encoding; expected a name such as utf-8 or cp1252") from error
    if not getattr(known, "_is_text_encoding", True):
        raise EventLogError(f"{name!r} is no encoding of text; expected a name such as utf-8 or cp1252")
    return name


def encoding_of(chunks: Iterable[bytes]) -> str:
    r"""Return the encoding of a file, of which ``chunks`` are all bytes, in pieces of any length.

    A byte-order mark decides. Else it is UTF-8, unless lines are not and none shows otherwise: then the most likely of
    the older encodings. A file of UTF-8 with a few broken lines stays UTF-8.

    >>> encoding_of([b"a,b\n", "Müller,Köln\n".encode("cp1252")])
    'cp1252'
    >>> encoding_of([codecs.BOM_UTF8 + b"a,b\n"]), encoding_of(["a,b".encode("utf-16-le")])
    ('utf-8-sig', 'utf-16-le')
    """
    pieces = iter(chunks)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= len(codecs.BOM_UTF32_LE):
            break
    if marked := _marked(head):
        return marked
    sample = bytearray()
    for line in _lines(head, pieces):
        if line.isascii():
            continue
        try:
            line.decode()
        except UnicodeDecodeError:
            if len(sample) < _SAMPLE_BYTES:
                sample += line + b"\n"
        else:
            return "utf-8"
    return _guessed(bytes(sample)) if sample else "utf-8"


def _marked(head: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head[:4]:  # UTF-16 without a mark: every other byte of Western text is zero
        return "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    return None


def _lines(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = head
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    yield from rest.split(b"\n")


def _japanese(sample: bytes) -> str:
    """The encoding in which `sample` is Japanese: by its kana, which other texts do not have by chance. Empty: none."""
    for encoding in _JAPANESE:
        try:
            lines = sample.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
        # the names of columns, which have kana where names of people have none
        foreign = [char for char in lines[0] if not char.isascii()]
        if sum("\u3041" <= char <= "\u30ff" for char in foreign) >= _MIN_KANA * len(foreign):
            return encoding
    return ""


def _guessed(sample: bytes) -> str:
    if known := _japanese(sample):
        return known
    found = from_bytes(sample, cp_isolation=list(_LEGACY), threshold=_MAX_MESS)
    best = found.best()
    if best is None:
        return "cp1252"
    alike = {name for match in found if match.chaos <= best.chaos for name in match.could_be_from_charset}
    return next(name for name in (*_LEGACY, best.encoding) if name in alike)


def delimiter_of(header: str, columns: Collection[str] = ()) -> str:
    r"""Return what separates the cells of `header`: what gives most of the known `columns`, then most cells.

    >>> delimiter_of("ts;customer_id;amount"), delimiter_of("ts\tprice, net, gross", {"ts"})
    (';', '\t')
    """

    def worth(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        known = sum(cell.strip().lower() in columns for cell in cells)
        return known, len(cells)

    return max(DELIMITERS, key=worth)
