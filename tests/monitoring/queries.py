"""The queries of the dashboards and rules, read from the deployed files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

__all__ = ["DASHBOARDS", "RULES", "PanelQuery", "panel_queries", "resolved", "rules", "selectors"]

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
DASHBOARDS: Final = tuple(sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")))
RULES: Final = tuple(sorted((DEPLOY / "prometheus" / "rules").glob("*.yml")))

#: A metric of the program, of a recording rule, or of Prometheus and its client, with its selector.
_SELECTOR = re.compile(r"(?<![\w:])((?:stream|process|job|job_\w+?)[_:][\w:]*|up)(\{[^}]*\})?")


class PanelQuery(NamedTuple):
    """One target of a panel; ``expr`` as it is in the file, with variables."""

    page: str
    panel: str
    expr: str


def panel_queries() -> Iterator[PanelQuery]:
    """Every query of every panel of every dashboard."""
    for path in DASHBOARDS:
        page = json.loads(path.read_text("utf-8"))
        for panel in page["panels"]:
            for target in panel["targets"]:
                yield PanelQuery(page["uid"], panel["title"], target["expr"])


def resolved(expr: str, variables: dict[str, str], rate_interval: str) -> str:
    """Fill the variables in as Grafana does."""
    expr = expr.replace("$__rate_interval", rate_interval)
    expr = re.sub(r"\$(\w+)", lambda found: variables.get(found[1], found[0]), expr)
    if "$" in expr:
        raise ValueError(f"{expr}: a variable that no dashboard has")
    return expr


def rules() -> Iterator[dict[str, Any]]:
    """Every recording and alert rule."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            yield from group["rules"]


def selectors(expr: str) -> set[str]:
    """The selectors of metrics in PromQL.

    >>> sorted(selectors('max by (job) (stream_lag_seconds{topic="a"} > 0) unless on (job) up'))
    ['stream_lag_seconds{topic="a"}', 'up']
    """
    without_grouping = re.sub(r"\b(by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)", "", expr)
    return {f"{name}{labels}" for name, labels in _SELECTOR.findall(without_grouping)}
