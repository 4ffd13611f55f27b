"""A streaming customer-event processor: rolling features, online churn and segment models, alerts."""

from pathlib import Path

from stream import kernel_cache
from stream.catalogue.extension import sources

__version__ = "0.1.0"

kernel_cache.use_directory(Path(__file__).parent, sources())
