"""A streaming customer-event processor: rolling features, online churn and segment models, alerts."""

import os
from pathlib import Path

from stream import kernel_cache
from stream.catalogue.extension import sources

__version__ = "0.1.0"

# matrices are small here: threads of NumPy's and SciPy's linear algebra wait for each other longer than they compute
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
kernel_cache.use_directory(Path(__file__).parent, sources())
