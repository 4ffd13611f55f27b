"""Values in a message that must stay values: no markup, no mention of everybody, no link.

An alert holds text about a customer that came from outside. In HTML Jinja escapes it. Chats have their own languages:
in them ``<!channel>`` or ``@everyone`` wakes a whole team, and most programs make links of what looks like one. An
invisible character (ZERO WIDTH SPACE) between the parts of such a sequence keeps it plain text that reads the same.
"""

import re
from collections.abc import Callable
from typing import Any, Final

__all__ = ["escape_of", "inert", "inert_markdown"]

_BREAK: Final = "\u200b"
#: Where a sequence begins to mean something; the break goes behind the first group.
_SEQUENCES: Final = re.compile(
    r"(<)(?=\S)"  # markup of HTML; mentions and links of Slack and Discord
    r"|(?<!\w)(@)(?=\w)"  # mentions, but not the @ within an e-mail address
    r"|(@)(?=(?:everyone|here|channel|all)\b)"
    r"|(\])(?=[(\[])"  # links of Markdown
    r"|(:)(?=//)|\b(www)(?=\.)"  # links that are made of plain text
    r"|(&)(?=#?\w+;)",  # entities of HTML
    re.IGNORECASE,
)
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]#|~>])")
#: Apprise hands Markdown to these as it is, and their own language has no backslashes.
_WITHOUT_BACKSLASHES: Final = ("slack", "https://hooks.slack.com")
#: What programs read must be exact.
_FOR_PROGRAMS: Final = ("json://", "jsons://", "xml://", "xmls://", "form://", "forms://")


def inert(text: str) -> str:
    r"""``text`` as it reads, and nothing more.

    >>> inert("<!channel> @everyone ann@example.com").replace("\u200b", "|")
    '<|!channel> @|everyone ann@example.com'
    """
    return _SEQUENCES.sub(lambda found: f"{found[0]}{_BREAK}", text)


def inert_markdown(text: str) -> str:
    r"""The same within Markdown, in which further characters mean something.

    >>> inert_markdown("*a* [b](//c)").replace("\u200b", "|")
    '\\*a\\* \\[b\\]|(//c)'
    """
    return _MARKDOWN.sub(r"\\\1", inert(text))


def escape_of(url: str, text_format: str) -> Callable[[Any], Any]:
    """How a value is written into the body of a message to ``url`` in this format; what is no text stays as it is."""
    if text_format == "html" or url.lower().startswith(_FOR_PROGRAMS):
        return lambda value: value  # Jinja escapes HTML
    has_backslashes = text_format == "markdown" and not url.lower().startswith(_WITHOUT_BACKSLASHES)
    escape = inert_markdown if has_backslashes else inert
    return lambda value: escape(value) if isinstance(value, str) else value
