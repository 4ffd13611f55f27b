"""Bring the catalogues of the console up to date: ``python -m stream.console.collecting``.

Messages are those of the templates, those of the code that pages show, and names that are declared in the catalogue of
events, features and stages. New ones are added to every catalogue without a translation; those that nothing says any
more go.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.resources import as_file, files
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from stream.alerts.action_records import ActionKind
from stream.alerts.sentences import FROM_WHAT, HOW_SURE
from stream.catalogue.events import CONTACT_CHANNELS, EVENT_NAMES
from stream.console.languages import LANGUAGES, LOCALES
from stream.directory.customer_queries import Sort
from stream.events.rejections import Defect
from stream.features.registry import FEATURES
from stream.features.stages import Stage
from stream.leads.signs import SIGNS
from stream.online_models.archetypes import ARCHETYPES
from stream.privacy.what_remains import REMAINS, TOPICS_WITH_KEYS
from stream.processing.rfm import Tier
from stream.reporting.assess import Standing
from stream.texts.mood import MOODS

__all__ = ["collected", "main"]

_KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "to_say": None,
    "RefusedError": None,
    "Forbidden": None,
    "TooManyAttempts": None,
    "UnknownCustomer": None,
}
_TEMPLATES: Final = {"newstyle_gettext": "true", "trimmed": "false", "silent": "false"}
#: Where messages are, and by what they are found.
_SOURCES: Final = (
    ("console", "**.py", "python"),
    ("console", "**.j2", "jinja2.ext:babel_extract"),
    ("reporting", "**.py", "python"),
    ("reporting", "**/_*.j2", "jinja2.ext:babel_extract"),
    ("whatif", "**.py", "python"),
    ("notifications", "verdict.py", "python"),
)
#: Ways by which events often say that they came; `channel` is any text, and others are shown as they are.
_CHANNELS: Final = ("app", "chat", "marketplace", "mobile", "social", "store", "web")
_WIDTH: Final = 120
#: Lines of the header of a catalogue that say nothing.
_PASSING: Final = tuple(
    f'"{name}'.encode()
    for name in (
        *("Project-Id-Version", "Report-Msgid-Bugs-To", "POT-Creation-Date", "PO-Revision-Date", "Last-Translator"),
        *("Language-Team", "Generated-By"),
    )
)


def collected() -> Catalog:
    """All messages, without translations."""
    found = Catalog()
    with as_file(files("stream")) as package:
        for folder, pattern, method in _SOURCES:
            options = {pattern: _TEMPLATES if "jinja2" in method else {}}
            for file, _, message, _, _ in extract_from_dir(
                package / folder, [(pattern, method)], options, keywords=_KEYWORDS
            ):
                found.add(message, locations=[(f"stream/{folder}/{Path(file).as_posix()}", 0)])
    for name in _declared():
        found.add(name, locations=[("declared", 0)])
    return found


def _declared() -> Iterator[str]:
    """Names and sentences that are made from declarations, as pages look for them."""
    yield from (stage.text for stage in Stage if stage)
    yield from (standing.text for standing in Standing)
    yield from (tier.text for tier in Tier if tier)
    yield from (sort.value.replace("-", " ") for sort in Sort)
    yield from (name.name.replace("_", " ") for name in EVENT_NAMES.values())
    yield from (defect.value.replace("_", " ") for defect in Defect)
    yield from (kind.value.replace("_", " ") for kind in ActionKind)
    yield from (feature.title or feature.name.replace("_", " ") for feature in FEATURES)
    for sign in SIGNS:
        yield from (f"{words[0].upper()}{words[1:]}." for words, _ in sign.levels)
    yield from (*ARCHETYPES, *MOODS, *CONTACT_CHANNELS, *_CHANNELS, *FROM_WHAT.values(), *HOW_SURE.values())
    yield from (*REMAINS.values(), TOPICS_WITH_KEYS)


def main() -> None:
    """Write the catalogues anew, and say what has no translation."""
    messages = collected()
    for code, language in LANGUAGES.items():
        if code == "en":
            continue
        with as_file(LOCALES) as folder:
            path = folder / f"{code}.po"
            kept = Catalog()
            if path.exists():
                with path.open("rb") as source:
                    kept = read_po(source, locale=language.locale)
            catalogue = Catalog(language.locale, header_comment=f"# The console in {code}.", fuzzy=False)
            for message in filter(lambda one: one.id, kept):
                catalogue.add(message.id, message.string)
            catalogue.update(messages, no_fuzzy_matching=True)
            # what nothing says any more
            catalogue.obsolete.clear()
            path.write_bytes(_written(catalogue))
        for missing in filter(_is_missing, catalogue):
            sys.stderr.write(f"{path.name}: no translation of {missing.id!r}\n")


def _written(catalogue: Catalog) -> bytes:
    """The catalogue as a file, without the times at which it was written: they change nothing, but conflict."""
    written = BytesIO()
    write_po(written, catalogue, width=_WIDTH, sort_output=True)
    lines = written.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_PASSING))


def _is_missing(message: Message) -> bool:
    told = message.string if isinstance(message.string, tuple) else (message.string,)
    return bool(message.id) and not all(told)


if __name__ == "__main__":
    main()
