"""Overview: is it working, and is it any good? Everything here is read in half a minute."""

from deploy.grafana.panels import Figure, Graph, Page, Query, Variable
from deploy.grafana.queries import by, quantile, rate

__all__ = ["OVERVIEW"]

_J = 'job=~"$job"'

OVERVIEW = Page(
    uid="stream-overview",
    title="Customer stream: overview",
    what="Is it working, and is it any good?",
    variables=[Variable(name="job", query="label_values(stream_build_info, job)")],
    figures=[
        Figure(
            title="Firing alerts",
            what="Alert rules of Prometheus that fire now; docs/runbook.md says what to do about each.",
            expr='count(ALERTS{alertstate="firing", alertname=~"Stream.+"}) or vector(0)',
            levels=(1,),
        ),
        Figure(
            title="Workers",
            what="Workers that Prometheus can scrape. One can be lost without harm while there are two.",
            expr='sum(up{job="worker"})',
            levels=(2, 1),
            falling=True,
        ),
        Figure(
            title="Events",
            what="Records taken from the event topics a second.",
            expr=f"sum({rate(f'stream_events_total{{{_J}}}')})",
            unit="cps",
        ),
        Figure(
            title="Oldest record waits",
            what="Since the oldest record that was received and is not stored yet was appended: the worst partition.",
            expr=f"max(stream_lag_seconds{{{_J}}})",
            unit="s",
            levels=(10, 60),
        ),
        Figure(
            title="Records wait",
            what="Records of the event topics that are not stored yet, over all workers.",
            expr=f'sum(stream_lag_messages{{{_J}, topic!~".*training-examples"}})',
            levels=(10_000, 100_000),
        ),
        Figure(
            title="Dead letters",
            what="Share of the records that could not be applied.",
            expr=(
                f"""sum({rate(f'stream_events_total{{{_J}, outcome="dead_letter"}}')})"""
                f" / (sum({rate(f'stream_events_total{{{_J}}}')}) > 0) or vector(0)"
            ),
            unit="percentunit",
            levels=(0.001, 0.01),
        ),
        Figure(
            title="Alerts raised, 6 hours",
            what="Customers whose risk of churn reached the level.",
            expr=f'sum(increase(stream_alerts_total{{{_J}, kind="raised"}}[6h]))',
            decimals=0,
        ),
        Figure(
            title="Calibration error",
            what="How far the risks are from the shares of churn that came true, on average (ECE).",
            expr=f'max(stream_prequential_ece{{{_J}, model="champion"}})',
            unit="percentunit",
            levels=(0.05, 0.1),
        ),
    ],
    graphs=[
        Graph(
            title="Events by outcome",
            what="Applied, dropped as duplicates, or sent to the dead letters.",
            queries=[Query(by("outcome", "sum", rate(f"stream_events_total{{{_J}}}")), "{{outcome}}")],
            unit="cps",
            stacked=True,
        ),
        Graph(
            title="From append to score",
            what="From the append of an event to its topic until its score is stored.",
            queries=[
                Query(quantile(0.5, "stream_ingest_to_score_seconds", _J), "half within"),
                Query(quantile(0.99, "stream_ingest_to_score_seconds", _J), "99 % within"),
            ],
            unit="s",
            limit=5,
        ),
        Graph(
            title="Lag",
            what="Since the oldest record that waits was appended: the worst partition of each topic.",
            queries=[Query(by("topic", "max", f"stream_lag_seconds{{{_J}}}"), "{{topic}}")],
            unit="s",
            limit=60,
        ),
        Graph(
            title="Alerts by cause, last hour",
            what="Alerts raised within the hour before: by an event, by silence, or by a new model; and those cleared.",
            queries=[
                Query(
                    by("cause", "sum", f'increase(stream_alerts_total{{{_J}, kind="raised"}}[1h])'), "raised, {{cause}}"
                ),
                Query(f'sum(increase(stream_alerts_total{{{_J}, kind="cleared"}}[1h]))', "cleared"),
            ],
        ),
        Graph(
            title="Log loss",
            what="Of the risks that were given, against knowing only the days since the last order, or only the share "
            "of churn. Lower is better; the model must lie below both.",
            queries=[Query(by("model", "max", f"stream_prequential_log_loss{{{_J}}}"), "{{model}}")],
            zoomed=True,
        ),
        Graph(
            title="Redis: 99 % within",
            what="Round trips to Redis, by what was asked for.",
            queries=[Query(quantile(0.99, "stream_redis_seconds", _J, "operation"), "{{operation}}")],
            unit="s",
        ),
        Graph(
            title="CPU by process",
            what="Cores in use. A worker is one process and uses little more than one core at its limit.",
            queries=[
                Query(by("job, instance", "max", rate(f"process_cpu_seconds_total{{{_J}}}")), "{{job}} {{instance}}")
            ],
        ),
        Graph(
            title="Memory by process",
            what="Resident memory.",
            queries=[
                Query(by("job, instance", "max", f"process_resident_memory_bytes{{{_J}}}"), "{{job}} {{instance}}")
            ],
            unit="bytes",
        ),
        Graph(
            title="Profiles in memory",
            what="Customers whose profile a worker need not read from Redis.",
            queries=[Query(by("instance", "max", 'stream_cache_customers{job="worker"}'), "{{instance}}")],
            stacked=True,
        ),
        Graph(
            title="Segments",
            what="Shares of the recent landmarks.",
            queries=[Query(by("segment", "max", f"stream_segment_share_ratio{{{_J}}}"), "{{segment}}")],
            unit="percentunit",
            stacked=True,
            largest=1,
        ),
        Graph(
            title="Notifications, last hour",
            what="Alerts that are over on a channel, by what became of them.",
            queries=[
                Query(by("outcome", "sum", f"increase(stream_notifications_total{{{_J}}}[1h])"), "{{outcome}}"),
            ],
            stacked=True,
        ),
        Graph(
            title="HTTP requests by status",
            what="Answers of the HTTP endpoints.",
            queries=[Query(by("status", "sum", rate(f"stream_ingest_requests_total{{{_J}}}")), "{{status}}")],
            unit="reqps",
            stacked=True,
        ),
    ],
    graph_height=7,
)
