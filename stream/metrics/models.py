"""Labels, the model in use, and the quality of its risks."""

from stream.metrics.instruments import DELAY_S, counter, gauge, tally

__all__ = [
    "CHECKPOINT_SAVED",
    "DRIFT_ALARMS",
    "EXAMPLES_REFUSED",
    "HORIZON",
    "LABELS",
    "LABELS_PENDING",
    "LEARNING_DELAY",
    "MODEL_CHAMPION",
    "MODEL_CREATED",
    "MODEL_READY",
    "MODEL_RECENT_AUC",
    "MODEL_RECENT_ECE",
    "MODEL_RECENT_LOG_LOSS",
    "MODEL_VERSION",
    "PREQUENTIAL_AUC",
    "PREQUENTIAL_BRIER",
    "PREQUENTIAL_ECE",
    "PREQUENTIAL_LOG_LOSS",
    "SHOP_GAP",
]

LABELS = counter("stream_labels_total", "Matured labels learned.", ["churned"])
LABELS_PENDING = gauge("stream_labels_pending", "Landmarks whose label has not matured, over the assigned partitions.")
LEARNING_DELAY = tally(
    "stream_learning_delay_seconds",
    "From the append of a training example to the checkpoint that contains it.",
    DELAY_S,
)
EXAMPLES_REFUSED = counter("stream_examples_refused_total", "Training examples that no model may learn.", ["problem"])
CHECKPOINT_SAVED = gauge("stream_checkpoint_timestamp_seconds", "When the trainer last saved its checkpoint.")

MODEL_VERSION = gauge("stream_model_version", "Version of the scoring model; it grows with the learned labels.")
MODEL_READY = gauge("stream_model_ready", "1 when the model has learned enough labels to raise alerts, else 0.")
MODEL_CREATED = gauge("stream_model_timestamp_seconds", "When the scoring snapshot was made.")

HORIZON = gauge("stream_horizon_seconds", "No order for this long is churn, for landmarks from now on.")
SHOP_GAP = gauge("stream_shop_gap_seconds", "Median of regular customers' own mean time between orders.")

PREQUENTIAL_AUC = gauge(
    "stream_prequential_auc", "Area under the ROC curve of the predicted risks, over recent labels.", ["model"]
)
PREQUENTIAL_LOG_LOSS = gauge(
    "stream_prequential_log_loss", "Log loss of the predicted risks, in nats, over recent labels.", ["model"]
)
PREQUENTIAL_BRIER = gauge(
    "stream_prequential_brier", "Brier score of the predicted risks, over recent labels.", ["model"]
)
PREQUENTIAL_ECE = gauge(
    "stream_prequential_ece", "Expected calibration error of the predicted risks, over recent labels.", ["model"]
)

# model: a contender (standard, quick, patient); kind and of: model and its name, or feature and its name.
MODEL_CHAMPION = gauge("stream_model_champion", "1 for the champion among the contenders, else 0.", ["model"])
MODEL_RECENT_LOG_LOSS = gauge(
    "stream_model_recent_log_loss",
    "Log loss over recent labels, in nats, predicted before they were learned.",
    ["model"],
)
MODEL_RECENT_AUC = gauge(
    "stream_model_recent_auc", "AUC over recent labels, predicted before they were learned.", ["model"]
)
MODEL_RECENT_ECE = gauge("stream_model_recent_ece", "Calibration error over recent labels.", ["model"])
DRIFT_ALARMS = counter("stream_drift_alarms_total", "Drift alarms of losses and features.", ["detector", "kind", "of"])
