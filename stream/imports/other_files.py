"""Files that people take for a table and that are none: what they are, and what to do instead."""

import codecs
from typing import Final
from zipfile import BadZipFile, ZipFile

__all__ = ["HEAD_BYTES", "told_by_archive", "told_by_head"]

#: So much of the beginning of a file tells what it is.
HEAD_BYTES: Final = 1024
_SAVE: Final = "open it in a spreadsheet program and save it as .xlsx or CSV"
_ARCHIVE: Final = "is an archive; unpack it and import the files in it, all in one command"
_PICTURE: Final = "is a picture, not a table; have the shop system export CSV or a spreadsheet instead"
_BEGINNINGS: Final = (
    (b"%PDF", "is a PDF document; have the shop system export CSV or a spreadsheet instead"),
    (b"Rar!", _ARCHIVE),
    (b"7z\xbc\xaf", _ARCHIVE),
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"{\\rtf", f"is a text document; {_SAVE}"),
    (b"SQLite format 3", "is a database, not a table; export CSV or a spreadsheet from it"),
)
_MARKUP: Final = (b"<!doctype", b"<html", b"<table", b"<meta", b"<head", b"<?xml", b"<workbook", b"<style", b"<div")
_DAMAGED: Final = "cannot be read as a spreadsheet: it is damaged, or has a password; save it again, without a password"
_BOOKS: Final = ("xl/", "content.xml")


def told_by_head(head: bytes) -> str:
    """What a file is that begins with ``head`` and is no table, with what to do; empty for all others.

    >>> told_by_head(b"%PDF-1.4")
    'is a PDF document; have the shop system export CSV or a spreadsheet instead'
    >>> told_by_head(b"Order,Date,Total")
    ''
    """
    for beginning, what in _BEGINNINGS:
        if head.startswith(beginning):
            return what
    text = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if text.startswith(_MARKUP):
        return f"is a web page or XML, whatever its name says; {_SAVE}"
    if text[:1] in (b"[", b"{") and b'"' in text:
        return "is JSON, not a table; export CSV or a spreadsheet. A log of events goes to: stream produce"
    return ""


def told_by_archive(path: str) -> str:
    """What a file is that begins as archives do and is no readable spreadsheet."""
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError):
        return _DAMAGED
    if any(name.startswith(_BOOKS) for name in names):
        return _DAMAGED
    if "word/document.xml" in names:
        return "is a text document; copy its table into a spreadsheet program and save it as .xlsx or CSV"
    return _ARCHIVE
