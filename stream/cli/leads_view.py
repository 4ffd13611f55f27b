"""Leads on a terminal."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.cli.list_names import called_in_list
from stream.reporting.first_orders import LeadEntry, LeadList
from stream.reporting.writing import Writing

__all__ = ["chance_of", "lead_table", "leads_view"]

#: Orders from which on figures of the past say something.
_ENOUGH = 20


def leads_view(found: LeadList, writing: Writing) -> RenderableType:
    """How many there are, what the chances are from and how good they were, and the best of them."""
    people = number_of(found.leads, "person was in touch and has", "people were in touch and have")
    weeks = number_of(found.horizon_weeks, "week", "weeks")
    return Group(
        Text(f"{people} not ordered. Chances are of a first order within {weeks}, with 95 % intervals.", "bold"),
        *map(Text, _learned(found, writing)),
        *((Text(), lead_table(found.entries, writing)) if found.entries else ()),
    )


def chance_of(lead: LeadEntry, writing: Writing) -> str:
    """The chance with its interval."""
    low, high = writing.percent(lead.low), writing.percent(lead.high)
    return f"{writing.percent(lead.chance)} ({low} to {high})"


def lead_table(leads: Sequence[LeadEntry], writing: Writing) -> Table:
    """One row for each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("who", overflow="fold", max_width=18)
    table.add_column("chance", justify="right", no_wrap=True)
    table.add_column("last visit", justify="right", no_wrap=True)
    table.add_column("why")
    for lead in leads:
        why = Text(" ".join(lead.reasons))
        if not lead.may_email:
            why.append(" Do not e-mail.", "yellow")
        table.add_row(
            Text(called_in_list(lead), "bold"),
            chance_of(lead, writing),
            "none" if lead.visited_ms is None else writing.long_date(lead.visited_ms),
            why,
        )
    return table


def _learned(found: LeadList, writing: Writing) -> Iterator[str]:
    record = found.record
    if not found.orders_learned:
        yield "Nobody's first order has been learned from yet: the chances are what is usual elsewhere, and a guess."
        return
    rate = writing.percent(found.orders_learned / found.leads_learned)
    labels = number_of(record.leads, "label", "labels")
    yield f"Learned from {labels}, one for each lead and week; {rate} of leads order in time."
    if record.orders < _ENOUGH:
        yield f"Only {record.orders:,} of them ordered: the intervals tell how little that is."
    elif record.auc is not None and record.log_loss is not None and record.base_rate_log_loss is not None:
        yield (
            f"Chances given before: AUC {record.auc:.3f}, log loss {record.log_loss:.3f} (by the share of orders alone"
            f" {record.base_rate_log_loss:.3f}), calibration error {record.ece:.3f}."
        )
