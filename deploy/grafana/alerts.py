"""Alerts and notifications: from a risk that reaches the level to a person who is told."""

from deploy.grafana.panels import Figure, Graph, Page, Query, Variable
from deploy.grafana.queries import by, quantile, rate

__all__ = ["ALERTS"]

_J = 'job=~"$job"'
_C = 'channel=~"$channel"'

ALERTS = Page(
    uid="stream-alerts",
    title="Customer stream: alerts & notifications",
    what="From the risk that reached the level to somebody who knows.",
    variables=[
        Variable(name="job", query="label_values(stream_watermark_timestamp_seconds, job)"),
        Variable(name="channel", query="label_values(stream_notification_queue, channel)"),
    ],
    figures=[
        Figure(
            title="Raised, 24 hours",
            what="Alerts raised.",
            expr=f'sum(increase(stream_alerts_total{{{_J}, kind="raised"}}[24h]))',
            decimals=0,
        ),
        Figure(
            title="Cleared, 24 hours",
            what="Alerts whose risk fell again.",
            expr=f'sum(increase(stream_alerts_total{{{_J}, kind="cleared"}}[24h]))',
            decimals=0,
        ),
        Figure(
            title="Median risk",
            what="Half of the alerts of 24 hours were raised with a lower risk.",
            expr=f"histogram_quantile(0.5, sum by (le) (increase(stream_alert_risk_ratio_bucket{{{_J}}}[24h])))",
            unit="percentunit",
        ),
        Figure(
            title="Held back, 24 hours",
            what="Evaluations at or above the level that raised nothing.",
            expr=f"sum(increase(stream_alerts_suppressed_total{{{_J}}}[24h]))",
            decimals=0,
        ),
        Figure(
            title="Oldest alert waits",
            what="Since the oldest record of any outbox was stored.",
            expr=f"max(stream_outbox_age_seconds{{{_J}}})",
            unit="s",
            levels=(10, 60),
        ),
        Figure(
            title="Waiting for a channel",
            what="Alerts that wait for a channel: quiet hours, digests, rate limits, retries.",
            expr=f"sum(stream_notification_queue{{{_C}}})",
        ),
        Figure(
            title="Failed attempts, 1 hour",
            what="Attempts to deliver a message that failed.",
            expr=f"sum(increase(stream_notification_failures_total{{{_C}}}[1h]))",
            levels=(1, 10),
            decimals=0,
        ),
        Figure(
            title="Actions, 24 hours",
            what="What people did about customers: contacted, offer accepted, resolved, false alarm.",
            expr="sum(increase(stream_actions_total[24h]))",
            decimals=0,
        ),
    ],
    graphs=[
        Graph(
            title="Raised by cause and severity, last hour",
            what="What made the risk reach the level, and whether it is half way from there to certainty.",
            queries=[
                Query(
                    by("cause, severity", "sum", f'increase(stream_alerts_total{{{_J}, kind="raised"}}[1h])'),
                    "{{cause}}, {{severity}}",
                )
            ],
            stacked=True,
        ),
        Graph(
            title="Risk at which alerts are raised",
            what="Over the hour before.",
            queries=[
                Query(
                    f"histogram_quantile({share}, sum by (le) (increase(stream_alert_risk_ratio_bucket{{{_J}}}[1h])))",
                    name,
                )
                for share, name in ((0.1, "one in ten below"), (0.5, "half below"), (0.9, "nine in ten below"))
            ],
            unit="percentunit",
            largest=1,
        ),
        Graph(
            title="Held back by reason, last hour",
            what="Evaluations that reached the level and raised nothing: the customer has too few orders, or the last "
            "alert is too recent. Or the customer does not agree that a message is sent or a model learns.",
            queries=[
                Query(by("reason", "sum", f"increase(stream_alerts_suppressed_total{{{_J}}}[1h])"), "{{reason}}"),
                Query(by("use", "sum", "increase(stream_consent_refusals_total[1h])"), "no consent: {{use}}"),
            ],
            stacked=True,
        ),
        Graph(
            title="From append to alert",
            what="From the append of the event that caused an alert until the broker has the alert.",
            queries=[
                Query(quantile(0.5, "stream_ingest_to_alert_seconds", _J), "half within"),
                Query(quantile(0.99, "stream_ingest_to_alert_seconds", _J), "99 % within"),
            ],
            unit="s",
        ),
        Graph(
            title="Notifications by outcome, last hour",
            what="Alerts that are over on a channel, by what became of them.",
            queries=[
                Query(
                    by("outcome", "sum", 'increase(stream_notifications_total{channel=~"$channel|none"}[1h])'),
                    "{{outcome}}",
                )
            ],
            stacked=True,
        ),
        Graph(
            title="Waiting by channel",
            what="Alerts that wait for a channel.",
            queries=[Query(by("channel", "max", f"stream_notification_queue{{{_C}}}"), "{{channel}}")],
        ),
        Graph(
            title="Delivery: 99 % within",
            what="Attempts to deliver a message, whatever came of them.",
            queries=[Query(quantile(0.99, "stream_notification_delivery_seconds", _C, "channel"), "{{channel}}")],
            unit="s",
        ),
        Graph(
            title="Failed attempts",
            what="Attempts to deliver a message that failed; they are repeated, and in the end dead-lettered.",
            queries=[Query(by("channel", "sum", rate(f"stream_notification_failures_total{{{_C}}}")), "{{channel}}")],
            unit="cps",
        ),
    ],
    graph_height=9,
)
