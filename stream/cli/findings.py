"""What a check found, and how findings are shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import click

__all__ = ["Finding", "FindingLevel", "show", "worst"]


class FindingLevel(StrEnum):
    """How bad it is. Only `FAIL` keeps a worker from working rightly."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_COLOURS = {FindingLevel.OK: "green", FindingLevel.WARN: "yellow", FindingLevel.FAIL: "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, what was found, and what to do about it (empty when all is well)."""

    level: FindingLevel
    subject: str
    found: str
    advice: str = ""


def worst(findings: Iterable[Finding]) -> FindingLevel:
    """The worst level among ``findings``; `FindingLevel.OK` when there are none."""
    order = list(FindingLevel)
    return max((finding.level for finding in findings), key=order.index, default=FindingLevel.OK)


def show(findings: Iterable[Finding]) -> None:
    """Print a line for each finding, and what to do under those that are not well."""
    for finding in findings:
        level = click.style(f"{finding.level:<4}", fg=_COLOURS[finding.level])
        click.echo(f"{level}  {finding.subject}: {finding.found}")
        if finding.advice:
            click.echo(f"      {finding.advice}")
