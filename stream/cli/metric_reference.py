"""docs/metrics.md, written from the declarations: ``python -m stream.cli.metric_reference docs/metrics.md``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Final

from stream.metrics import CATALOGUE, Declaration

__all__ = ["LABELS", "catalogue", "reference"]

#: Modules that declare metrics.
_MODULES: Final = ("stream.metrics", "stream.ingest.metrics", "stream.console.console_metrics")

#: Every label of every metric, with the values that it can have: no other label may be used.
LABELS: Final = MappingProxyType(
    {
        "action": "`contacted`, `offer_accepted`, `resolved`, `false_alarm`",
        "cause": "what made the risk cross the level: `event`, `silence`, `model`",
        "severity": "`warning`, `critical` (half way from the level to certainty, or more); `info`: cleared, winback",
        "channel": "a channel of the notification file",
        "churned": "`true`, `false`",
        "detector": "of drift: `adwin`, `page_hinkley`",
        "kind": "of an alert: `raised`, `cleared`, `winback`; of a timer: `landmark`, `maturity`, `silence`, "
        "`stage`; of what drifts: "
        "`model`, `feature`",
        "model": "of `stream_prequential_*`: `champion` is the one that scores, `recency` and `base_rate` are "
        "baselines on the same labels; of `stream_model_*`: the contenders `standard`, `quick`, `patient`",
        "of": "name of the model or feature that drifts",
        "operation": "what Redis was asked for: `claim`, `commit`, `documents`, `timers`, `verify` of a partition; "
        "`newest`, the times of all partitions; `claim_models`, `save`, `snapshot`, `unlearned` of the models; "
        "`drop` of a projection",
        "outcome": "of an event: `applied`, `duplicate`, `dead_letter`, `forwarded` to the right partition, "
        "over HTTP `accepted`, `rejected`, `failed`, `ignored`; of a notification: see docs/notifications.md; "
        "of a record that a projection reads: `folded`, `skipped`, `dead_letter`; "
        "of a login: `accepted`, `refused`, `limited` after too many attempts",
        "page": "route of the console, such as `/customer` or `/api/v1/kpis`; `other`: there is none",
        "partition": "index of a partition of the event topics",
        "phase": "of a step: `decode`, `load`, `advance`, `commit`; `publish` is one chunk of the outbox; of a "
        "projection: `read`, `load`, `fold`, `commit`",
        "problem": "what is wrong with a training example, see `stream/online_models/example.py`",
        "projection": "name of a projection",
        "python": "version of Python",
        "reason": "of a dead letter: see `stream/events/rejections.py`; of a rejected commit: `fenced`, "
        "`rebuild`, `storage`; of a suppressed alert: `few_orders`, `cooldown`",
        "route": "what an HTTP endpoint takes: `events`, `click`, `email`, `purchase`, or the name of an adapter",
        "segment": "name of a segment",
        "stage": "stage of a customer's life with the shop: see docs/states.md",
        "status": "status of an HTTP answer",
        "topic": "an event topic, the topic of training examples, or what a projection reads",
        "type": "`click`, `email`, `purchase`",
        "use": "what data of a customer was to be used for: `notification`, `learning`",
        "version": "version of the program",
    }
)

_HEAD = """# Metrics

What `/metrics` shows. Written from the declarations by `python -m stream.cli.metric_reference docs/metrics.md`.

Units are seconds and records; times of day are seconds since the epoch, 0 before the first. Histograms of delays have
buckets from 1 ms to 10 min. Labels are bounded: no customer, event or model version is ever one. The processes also
show `process_*` and `python_*` (memory, CPU, open files, garbage collection).

The time of an append is that of the record: topics are created with `LogAppendTime`. The embedded broker of
`stream demo` keeps the times of producers instead, so what is measured from an append is the age of the event there.

Every process shows all metrics of its modules, those of others with 0: queries name the job (`worker`, `notify`,
`ingest`, `directory`, `console`).

Alert rules are in [the runbook](runbook.md), dashboards in `deploy/grafana`: change them in `deploy/grafana/*.py`, and
`python -m deploy.grafana` writes the JSON. `python -m tests.monitoring.pictures DIRECTORY` draws every dashboard from a
running system and a real Prometheus, without Grafana; this is the overview over a minute in which six weeks of events
were published:

![Overview dashboard](images/dashboard-overview.png)
"""


def catalogue() -> list[Declaration]:
    """Every metric of the program, whichever process shows it."""
    for module in _MODULES:
        importlib.import_module(module)
    return sorted(CATALOGUE)


def _row(declaration: Declaration) -> str:
    labels = ", ".join(f"`{label}`" for label in declaration.labels)
    return f"| `{declaration.name}` | {declaration.kind} | {labels} | {declaration.what} |"


def reference() -> str:
    """Return the Markdown page."""
    rows = "\n".join(map(_row, catalogue()))
    labels = "\n".join(f"| `{label}` | {values} |" for label, values in LABELS.items())
    return (
        f"{_HEAD}\n| metric | type | labels | meaning |\n|---|---|---|---|\n{rows}\n"
        f"\n## Labels\n\n| label | values |\n|---|---|\n{labels}\n"
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), "utf-8")
