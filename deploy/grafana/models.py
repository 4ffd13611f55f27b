"""Models: do they learn, are they in use, are they right?"""

from deploy.grafana.panels import Figure, Graph, Page, Query, Variable
from deploy.grafana.queries import age, by, quantile, rate

__all__ = ["MODELS"]

_J = 'job=~"$job"'
_OF_MODELS = f'increase(stream_drift_alarms_total{{{_J}, kind="model"}}[1d])'
_OF_FEATURES = f'increase(stream_drift_alarms_total{{{_J}, kind="feature"}}[1d])'

MODELS = Page(
    uid="stream-models",
    title="Customer stream: models",
    what="Do the models learn, are they in use, and are they right?",
    variables=[Variable(name="job", query="label_values(stream_watermark_timestamp_seconds, job)")],
    figures=[
        Figure(
            title="Ready",
            what="1 when every worker scores with a model that has learned enough labels to raise alerts.",
            expr=f"min(stream_model_ready{{{_J}}})",
            levels=(1,),
            falling=True,
        ),
        Figure(
            title="Version",
            what="Of the model that scores: it grows with every label learned.",
            expr=f"max(stream_model_version{{{_J}}})",
            unit="none",
            decimals=0,
        ),
        Figure(
            title="Workers behind",
            what="Workers that score with another version than the newest.",
            expr=f"count(stream_model_version{{{_J}}} < scalar(max(stream_model_version{{{_J}}}))) or vector(0)",
            levels=(1,),
        ),
        Figure(
            title="Model made",
            what="Since the newest snapshot that scores was made. It gets old when there is nothing to learn.",
            expr=age(f"stream_model_timestamp_seconds{{{_J}}}"),
            unit="s",
        ),
        Figure(
            title="Checkpoint saved",
            what="Since the trainer last saved what it has learned.",
            expr=age(f"stream_checkpoint_timestamp_seconds{{{_J}}}"),
            unit="s",
        ),
        Figure(
            title="Labels pending",
            what="Landmarks whose horizon has not passed: what will be learned within the next horizon.",
            expr=f"sum(stream_labels_pending{{{_J}}})",
        ),
        Figure(
            title="Examples wait",
            what="Training examples that the trainer has not received.",
            expr=f'sum(stream_lag_messages{{{_J}, topic=~".*training-examples"}})',
            levels=(10_000, 100_000),
        ),
        Figure(
            title="Examples refused, 1 hour",
            what="Training examples that no model may learn.",
            expr=f"sum(increase(stream_examples_refused_total{{{_J}}}[1h]))",
            levels=(1,),
            decimals=0,
        ),
    ],
    graphs=[
        Graph(
            title="Area under the ROC curve",
            what="Of the risks that were given, and of knowing only the days since the last order; 0.5 is chance.",
            queries=[Query(by("model", "max", f"stream_prequential_auc{{{_J}}}"), "{{model}}")],
            zoomed=True,
        ),
        Graph(
            title="Log loss",
            what="Lower is better; the model must lie below both baselines.",
            queries=[Query(by("model", "max", f"stream_prequential_log_loss{{{_J}}}"), "{{model}}")],
            zoomed=True,
        ),
        Graph(
            title="Calibration error",
            what="How far the risks are from the shares of churn that came true, on average over 15 bins (ECE).",
            queries=[Query(by("model", "max", f"stream_prequential_ece{{{_J}}}"), "{{model}}")],
            unit="percentunit",
            limit=0.1,
        ),
        Graph(
            title="Brier score",
            what="Mean squared error of the risks that were given.",
            queries=[Query(by("model", "max", f"stream_prequential_brier{{{_J}}}"), "{{model}}")],
            zoomed=True,
        ),
        Graph(
            title="Contenders: area under the ROC curve",
            what="Models that learn the same labels side by side, each judged just before it learns.",
            queries=[Query(by("model", "max", f"stream_model_recent_auc{{{_J}}}"), "{{model}}")],
            zoomed=True,
        ),
        Graph(
            title="Contenders: log loss",
            what="A challenger that is clearly better over some thousand labels takes over.",
            queries=[Query(by("model", "max", f"stream_model_recent_log_loss{{{_J}}}"), "{{model}}")],
            zoomed=True,
        ),
        Graph(
            title="Contenders: calibration error",
            what="How far each is from the shares of churn that came true, on average.",
            queries=[Query(by("model", "max", f"stream_model_recent_ece{{{_J}}}"), "{{model}}")],
            unit="percentunit",
        ),
        Graph(
            title="Champion",
            what="1 for the contender that the figures chose. An operator may have pinned another (stream models).",
            queries=[Query(by("model", "max", f"stream_model_champion{{{_J}}}"), "{{model}}")],
            largest=1,
        ),
        Graph(
            title="Labels learned",
            what="Matured labels learned, by whether the customer churned.",
            queries=[Query(by("churned", "sum", rate(f"stream_labels_total{{{_J}}}")), "churned: {{churned}}")],
            unit="cps",
            stacked=True,
        ),
        Graph(
            title="From example to checkpoint",
            what="From the append of a training example until a checkpoint has it.",
            queries=[
                Query(quantile(0.5, "stream_learning_delay_seconds", _J), "half within"),
                Query(quantile(0.99, "stream_learning_delay_seconds", _J), "99 % within"),
            ],
            unit="s",
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
            title="Changes of segment, last hour",
            what="Customers that moved to another segment within the hour before. A jump without a cause in the "
            "customers is a change of the model.",
            queries=[Query(f"sum(increase(stream_segment_changes_total{{{_J}}}[1h]))", "changes")],
        ),
        Graph(
            title="Share of churn",
            what="Of the labels learned within the hour before. A jump is a broken input, or the end of a season.",
            queries=[
                Query(
                    f'sum(increase(stream_labels_total{{{_J}, churned="true"}}[1h]))'
                    f" / (sum(increase(stream_labels_total{{{_J}}}[1h])) > 0)",
                    "churned",
                )
            ],
            unit="percentunit",
            largest=1,
        ),
        Graph(
            title="Labels pending by worker",
            what="Landmarks whose horizon has not passed.",
            queries=[Query(by("instance", "max", f"stream_labels_pending{{{_J}}}"), "{{instance}}")],
            stacked=True,
        ),
        Graph(
            title="Drift alarms of models, last day",
            what="Losses that have risen beyond chance, by detector.",
            queries=[Query(by("of, detector", "sum", _OF_MODELS), "{{of}}, {{detector}}")],
            stacked=True,
        ),
        Graph(
            title="Drift alarms of features, last day",
            what="The ten features of which the detectors have seen the most changes.",
            queries=[Query(f"topk(10, {by('of', 'sum', _OF_FEATURES)})", "{{of}}")],
            stacked=True,
        ),
    ],
    graph_height=5,
)
