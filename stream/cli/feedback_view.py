"""What customers say, for people: a table of figures, and what one customer thinks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.cli.texts_view import clipped, judgement_line
from stream.events.rejections import printable
from stream.projections.channels import Contacts
from stream.projections.complaints import Cases
from stream.projections.judgements import Judged
from stream.projections.satisfaction import Opinion
from stream.reporting.feedback_groups import FeedbackCounts, groups_of, kinds_of
from stream.reporting.mood_satisfaction import means_then, with_moods
from stream.reporting.survey_figures import SATISFACTION, Figure
from stream.reporting.themes import SaidText
from stream.reporting.writing import Writing

__all__ = ["Voice", "feedback_view", "opinion_rows", "voice_rows"]

_LATEST = 5


class Voice(NamedTuple):
    """What is known of a customer from what they say and do beside the site; None: no projection has anything.

    ``texts``: those that are kept, oldest first. ``judged``: what texts were taken for, also some that are gone.
    """

    opinion: Opinion | None = None
    cases: Cases | None = None
    contacts: Contacts | None = None
    texts: Sequence[SaidText] = ()
    judged: Sequence[Judged] = ()


def feedback_view(found: FeedbackCounts) -> RenderableType:
    """Figures of all, by month, survey, channel and product; the parts of the partitions are added up."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black")
    table.add_column("")
    table.add_column("figure")
    for column in ("value", "95 % interval", "mean", "answers"):
        table.add_column(column, justify="right")
    for group in groups_of(found):
        rows = [_cells(one) for one in group.figures]
        if group.asked:
            share, low, high = (_percent(limit) for limit in group.unanswered)
            rows.append(("did not answer", share, f"{low} to {high}", "", f"of {group.asked:,}"))
        for position, cells in enumerate(rows):
            table.add_row("" if position else printable(group.title), *cells)
    told = ", ".join(f"{number:,} {name}" for name, number in sorted(kinds_of(found.tallies).items()))
    lines: list[RenderableType] = [table, Text(f"in all: {told}", "bright_black")]
    if not any(one.months for one in found.surveyed):
        lines.append(Text("who was asked is not known, so the share without an answer is not", "bright_black"))
    return Group(*lines)


def opinion_rows(told: Opinion | None, writing: Writing, judged: Sequence[Judged] = ()) -> Iterator[tuple[str, str]]:
    """What a customer thinks, in lines: satisfaction with its interval, loyalty, and the last feedback."""
    opinion, moods = with_moods(told, judged)
    found = opinion.interval
    if found.estimate is not None and found.low is not None and found.high is not None:
        number = number_of(opinion.scores + opinion.implied + moods, "answer", "answers")
        of = f", {opinion.implied} of them from complaints or praise alone" if opinion.implied else ""
        of += f", {moods} of them estimated from the mood of texts" if moods else ""
        yield (
            "satisfaction",
            f"{found.estimate:.0%} (95 %: {found.low:.0%} to {found.high:.0%}), {number}{of}",
        )
    if told is None:
        return
    history = [f"{said.loyalty:.2f}" for said in opinion.said if said.loyalty is not None]
    yield "loyalty", f"{opinion.loyalty:.2f} (by formula; the latest: {' '.join(history[-_LATEST:]) or 'none'})"
    said_and_means = [*zip(opinion.said, means_then(told, judged), strict=True)]
    for said, mean in said_and_means[: -_LATEST - 1 : -1]:
        score = f" {said.value:g} ({said.scale})" if said.value is not None else ""
        about = f" about {printable(said.product_id)}" if said.product_id else ""
        counts = "" if said.satisfaction is None else f": satisfaction {said.satisfaction:.0%}"
        counts += "" if said.satisfaction is None or mean is None else f", mean then {mean:.0%}"
        then = "" if said.loyalty is None else f", loyalty then {said.loyalty:.2f}"
        yield "said", f"{writing.moment(said.at_ms)}: {said.name}{score}{about}{counts}{then}"


def voice_rows(voice: Voice, writing: Writing) -> Iterator[tuple[str, str]]:
    """What waits for an answer, what a customer thinks, and where they come from."""
    if voice.cases is not None:
        yield from _case_rows(voice.cases, writing)
    if voice.opinion is not None or voice.judged:
        yield from opinion_rows(voice.opinion, writing, voice.judged)
    for one in voice.texts[: -_LATEST - 1 : -1]:
        yield "wrote", f"{writing.moment(one.text.at_ms)}: {one.text.name}, {clipped(one.text.text)}"
        yield "", judgement_line(one)
    if voice.contacts is not None:
        yield from _contact_rows(voice.contacts)


def _contact_rows(contacts: Contacts) -> Iterator[tuple[str, str]]:
    """What a customer did and said beside the site, by which channel and when."""
    kinds = sorted(contacts.kinds.items(), key=lambda one: (-one[1], one[0]))
    yield "contacts", ", ".join(f"{count:,} {name}" for name, count in kinds)
    if shares := contacts.shares:
        yield "channels", ", ".join(f"{printable(channel)} {share:.0%}" for channel, share in shares.items())
    if contacts.preferred_hour is not None:
        yield "most often at", f"{contacts.preferred_hour:02}:00"


def _case_rows(cases: Cases, writing: Writing) -> Iterator[tuple[str, str]]:
    """What waits for an answer, oldest first."""
    for ticket, case in sorted(cases.open.items(), key=lambda one: one[1].at_ms):
        acted = "; somebody has acted since" if cases.acted_ms >= case.at_ms else ""
        about = case.heard.order_id or case.heard.product_id
        told = f" about {printable(about)}" if about else ""
        yield "open", f"{writing.moment(case.at_ms)}: {case.name}{told}, ticket {printable(ticket)}{acted}"


def _cells(one: Figure) -> tuple[str, str, str, str, str]:
    value, low, high = one.interval
    if value is None or low is None or high is None:
        raise AssertionError("a figure has answers")
    mean = "" if one.scale == SATISFACTION else f"{one.mean:.1f}"
    if one.scale == "nps":
        shown, span = f"{value * 100:+.0f}", f"{low * 100:+.0f} to {high * 100:+.0f}"
    else:
        shown, span = f"{value:.0%}", f"{low:.0%} to {high:.0%}"
    return one.label, shown, span, mean, f"{one.answers:,}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
