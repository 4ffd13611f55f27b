"""How one setting is declared, read from text and checked."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, field
from difflib import get_close_matches
from typing import Any

from stream.urls import MASK, presentable

__all__ = ["bound_problems", "did_you_mean", "parse", "setting", "unknown_variables"]

_BOOLEANS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}

# Kubernetes and container links describe the services of a namespace in variables of their own; for a service
# called "stream" or "stream-redis" they start like ours.
_SERVICE_HOST = "SERVICE_HOST"
_SERVICE_VARIABLE = re.compile(
    r"(?P<service>.*?)(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def setting(
    default: Any,
    group: str,
    text: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    over: float | None = None,
    choices: tuple[str, ...] = (),
    pattern: str = "",
    secret: bool = False,
) -> Any:
    """Declare a setting: default, heading and line in ``--help``, what a value must satisfy."""
    bounds = {"at_least": at_least, "at_most": at_most, "over": over, "choices": choices, "pattern": pattern}
    return field(default=default, metadata={"group": group, "help": text, "secret": secret, **bounds})


def parse(value: object, declaration: Field[Any]) -> object:
    """The value that ``value``, a text or already one, means. Raises ValueError for a malformed text."""
    kind = declaration.type
    if kind is bool:
        parsed = value if isinstance(value, bool) else _BOOLEANS.get(str(value).strip().lower())
        if parsed is None:
            raise ValueError("expected true or false")
        return parsed
    if kind is int or kind is float:
        text = str(value).strip()
        try:
            return int(text) if kind is int else float(text)
        except ValueError:
            raise ValueError(f"expected {'a whole number' if kind is int else 'a number'}") from None
    text = str(value) if declaration.metadata["secret"] else str(value).strip()
    by_folded = {choice.casefold(): choice for choice in declaration.metadata["choices"]}
    return by_folded.get(text.casefold(), text)


def bound_problems(declaration: Field[Any], value: Any) -> Iterator[str]:
    """What is wrong with ``value`` by itself."""
    bounds = declaration.metadata
    start = f"{declaration.name}={MASK if bounds['secret'] else presentable(str(value))}"
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{start}: must be finite"
    if bounds["at_least"] is not None and value < bounds["at_least"]:
        yield f"{start}: must be at least {bounds['at_least']:g}"
    if bounds["at_most"] is not None and value > bounds["at_most"]:
        yield f"{start}: must be at most {bounds['at_most']:g}"
    if bounds["over"] is not None and value <= bounds["over"]:
        yield f"{start}: must be over {bounds['over']:g}"
    if bounds["choices"] and value not in bounds["choices"]:
        yield f"{start}: must be one of {', '.join(choice or '(empty)' for choice in bounds['choices'])}"
    if bounds["pattern"] and not re.fullmatch(bounds["pattern"], value, re.ASCII):
        yield f"{start}: must be {bounds['help']} (match {bounds['pattern']})"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"; did you mean X?"`` when a known name is close, else nothing."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def unknown_variables(env: Mapping[str, str], prefix: str, known: Iterable[str]) -> Iterator[str]:
    """A line for each variable of ``env`` that starts like a setting and is none."""
    variables = {f"{prefix}{name.upper()}" for name in known}
    for variable in sorted(env):
        if variable.startswith(prefix) and variable not in variables:
            described = _SERVICE_VARIABLE.fullmatch(variable)
            if described and f"{described['service']}{_SERVICE_HOST}" in env:
                continue
            yield f"{variable} is no setting{did_you_mean(variable, variables)}"
