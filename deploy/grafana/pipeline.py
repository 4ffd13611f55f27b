"""Pipeline: where records wait, from the event topics to the store."""

from deploy.grafana.panels import Figure, Graph, Page, Query, Variable
from deploy.grafana.queries import by, quantile, rate

__all__ = ["PIPELINE"]

_W = 'job=~"$job", instance=~"$instance"'
_T = f'{_W}, topic=~"$topic"'

PIPELINE = Page(
    uid="stream-pipeline",
    title="Customer stream: pipeline",
    what="Where do records wait, from the event topics to the store?",
    variables=[
        Variable(name="job", query="label_values(stream_watermark_timestamp_seconds, job)"),
        Variable(name="instance", query='label_values(stream_watermark_timestamp_seconds{job=~"$job"}, instance)'),
        Variable(name="topic", query='label_values(stream_lag_messages{job=~"$job"}, topic)'),
    ],
    figures=[
        Figure(
            title="Rebalances, 1 hour",
            what="Assignments that a worker received within an hour, the most of any worker.",
            expr=f"max(increase(stream_rebalances_total{{{_W}}}[1h]))",
            levels=(6, 12),
            decimals=0,
        ),
        Figure(
            title="Redis answers",
            what="1 when Redis answered every process the last time it was asked.",
            expr=f"min(stream_redis_up{{{_W}}})",
            levels=(1,),
            falling=True,
        ),
        Figure(
            title="Features written",
            what="Since features were last written, in the partition where that is longest ago.",
            expr=f"max(time() - max by (partition) (stream_features_stored_timestamp_seconds{{{_W}}}))",
            unit="s",
        ),
        Figure(
            title="Timers scheduled",
            what="Customers with a timer: the next landmark, label, or look at the risk.",
            expr=f"sum(stream_timers_scheduled{{{_W}}})",
        ),
        Figure(
            title="Timers due",
            what="Timers that stream time has passed and that have not fired.",
            expr=f"sum(stream_timers_due{{{_W}}})",
            levels=(1000, 10_000),
        ),
        Figure(
            title="Outbox",
            what="Stored records that the broker has not confirmed.",
            expr=f"sum(stream_outbox_depth{{{_W}}})",
            levels=(1000, 10_000),
        ),
        Figure(
            title="Kafka answers HTTP",
            what="1 when every HTTP endpoint can publish.",
            expr='min(stream_ingest_kafka_up{job="ingest"})',
            levels=(1,),
            falling=True,
        ),
        Figure(
            title="HTTP events wait",
            what="Events that came over HTTP and wait for Kafka's confirmation.",
            expr='sum(stream_ingest_waiting_events{job="ingest"})',
        ),
    ],
    graphs=[
        Graph(
            title="Events by type",
            what="Records taken from the event topics, whatever became of them.",
            queries=[Query(by("type", "sum", rate(f"stream_events_total{{{_W}}}")), "{{type}}")],
            unit="cps",
            stacked=True,
        ),
        Graph(
            title="Dead letters by reason",
            what="The reasons are explained in docs/contracts; the records are on the topic dead-letters.",
            queries=[Query(by("reason", "sum", rate(f"stream_dead_letters_total{{{_W}}}")) + " > 0", "{{reason}}")],
            unit="cps",
            stacked=True,
        ),
        Graph(
            title="Lag in records",
            what="Records that are not stored yet.",
            queries=[Query(by("topic", "sum", f"stream_lag_messages{{{_T}}}"), "{{topic}}")],
            limit=10_000,
        ),
        Graph(
            title="Lag in time",
            what="Since the oldest record that waits was appended: the worst worker.",
            queries=[Query(by("topic", "max", f"stream_lag_seconds{{{_T}}}"), "{{topic}}")],
            unit="s",
            limit=60,
        ),
        Graph(
            title="Wall clock minus stream time",
            what="By partition. Near nothing where events come as they happen; a replay of old events shows their age.",
            queries=[Query(by("partition", "max", f"stream_watermark_lag_seconds{{{_W}}}"), "partition {{partition}}")],
            unit="s",
        ),
        Graph(
            title="From append to score",
            what="From the append of an event to its topic until its score is stored.",
            queries=[
                Query(quantile(0.5, "stream_ingest_to_score_seconds", _W), "half within"),
                Query(quantile(0.99, "stream_ingest_to_score_seconds", _W), "99 % within"),
            ],
            unit="s",
            limit=5,
        ),
        Graph(
            title="From event to score",
            what="From the time that the event itself states: what producers and networks take is in it. 10 minutes is "
            "the most that is told apart.",
            queries=[
                Query(quantile(0.5, "stream_event_to_score_seconds", _W), "half within"),
                Query(quantile(0.99, "stream_event_to_score_seconds", _W), "99 % within"),
            ],
            unit="s",
        ),
        Graph(
            title="Records and customers in a step",
            what="Large steps under load are right: the cost of a round trip is shared, and a customer who has several "
            "records in a step is written once.",
            queries=[
                Query(quantile(0.5, "stream_batch_events", _W), "records: half up to"),
                Query(quantile(0.99, "stream_batch_events", _W), "records: 99 % up to"),
                Query(quantile(0.5, "stream_batch_customers", _W), "customers: half up to"),
                Query(quantile(0.99, "stream_batch_customers", _W), "customers: 99 % up to"),
            ],
        ),
        Graph(
            title="Where a worker's time goes",
            what="Seconds a second in each phase, over all partitions of the busiest worker. Decode and advance use "
            "its one core: together near 100 % it can do no more. Load, commit and publish mostly wait for servers.",
            queries=[
                Query(
                    f"max by (phase) (sum by (instance, phase) ({rate(f'stream_step_seconds_sum{{{_W}}}')}))",
                    "{{phase}}",
                )
            ],
            unit="percentunit",
            stacked=True,
        ),
        Graph(
            title="Redis: 99 % within",
            what="Round trips, by what was asked for.",
            queries=[Query(quantile(0.99, "stream_redis_seconds", _W, "operation"), "{{operation}}")],
            unit="s",
        ),
        Graph(
            title="Refused and failed",
            what="Steps that the store refused (fenced: another worker owns the partition) or may not have written, "
            "round trips to Redis that failed, and attempts to publish that the broker did not confirm.",
            queries=[
                Query(by("reason", "sum", rate(f"stream_commit_rejected_total{{{_W}}}")), "step: {{reason}}"),
                Query(f"sum({rate(f'stream_redis_errors_total{{{_W}}}')})", "Redis"),
                Query(f"sum({rate(f'stream_publish_failures_total{{{_W}}}')})", "publishing"),
            ],
            unit="cps",
        ),
        Graph(
            title="Oldest record of the outbox",
            what="Since it was stored: alerts, examples and dead letters leave in this order.",
            queries=[Query(by("instance", "max", f"stream_outbox_age_seconds{{{_W}}}"), "{{instance}}")],
            unit="s",
            limit=60,
        ),
        Graph(
            title="Timers fired",
            what="Landmarks, labels that matured, silence that made the risk cross the level; and customers looked at"
            " because all of a partition were.",
            queries=[
                Query(by("kind", "sum", rate(f"stream_timers_fired_total{{{_W}}}")), "{{kind}}"),
                Query(f"sum({rate(f'stream_rescored_customers_total{{{_W}}}')})", "rescored"),
            ],
            unit="cps",
            stacked=True,
        ),
        Graph(
            title="Timers late",
            what="Stream time less the earliest timer that is due, the worst worker.",
            queries=[Query(by("instance", "max", f"stream_timers_late_seconds{{{_W}}}"), "{{instance}}")],
            unit="s",
            limit=600,
        ),
        Graph(
            title="Clock against that of Redis",
            what="Beyond two minutes idle partitions do not follow the clock of their worker.",
            queries=[Query(by("instance", "max", f"stream_clock_apart_seconds{{{_W}}}"), "{{instance}}")],
            unit="s",
            limit=60,
        ),
        Graph(
            title="Partitions by worker",
            what="Shares should be even, and add up to all partitions.",
            queries=[Query(by("instance", "max", f"stream_assigned_partitions{{{_W}}}"), "{{instance}}")],
            stacked=True,
        ),
        Graph(
            title="Customers come into a stage",
            what="By the stage that they come into: new, active, due, at risk, lapsed, lost, won back.",
            queries=[Query(by("stage", "sum", rate(f"stream_stage_changes_total{{{_W}}}")), "{{stage}}")],
            unit="cps",
            stacked=True,
        ),
        Graph(
            title="Projections: lag in records",
            what="Records that a projection has not stored yet. It reads beside the core: the core never waits for it.",
            queries=[
                Query(by("projection", "sum", f"stream_projection_lag_messages{{{_W}}}"), "{{projection}}"),
            ],
            limit=10_000,
        ),
        Graph(
            title="Projections: time in a step",
            what="Seconds a second in each phase, over all partitions of the busiest worker.",
            queries=[
                Query(
                    "max by (projection, phase) (sum by (instance, projection, phase) "
                    f"({rate(f'stream_projection_step_seconds_sum{{{_W}}}')}))",
                    "{{projection}}: {{phase}}",
                )
            ],
            unit="percentunit",
            stacked=True,
        ),
        Graph(
            title="HTTP requests by status",
            what="Answers of the HTTP endpoints. 2xx: Kafka has the events; 4xx: refused; 5xx: to be sent again.",
            queries=[Query(by("status", "sum", rate("stream_ingest_requests_total")), "{{status}}")],
            unit="reqps",
            stacked=True,
        ),
        Graph(
            title="HTTP events by route",
            what="Events that came over HTTP, by where they came in and what became of them.",
            queries=[
                Query(by("route, outcome", "sum", rate("stream_ingest_events_total")), "{{route}}, {{outcome}}"),
            ],
            unit="cps",
            stacked=True,
        ),
        Graph(
            title="HTTP answers",
            what="From the head of a request to its answer, which waits for Kafka.",
            queries=[
                Query(quantile(0.5, "stream_ingest_request_seconds", 'job="ingest"'), "half within"),
                Query(quantile(0.99, "stream_ingest_request_seconds", 'job="ingest"'), "99 % within"),
            ],
            unit="s",
        ),
    ],
    graph_height=5,
    graph_width=4,
)
