"""What the models take from River, imported without the packages around it: 80 MB less."""

from __future__ import annotations

import river  # noqa: F401  # the packages below are put into it

from stream.deferred_packages import defer

for _package in (
    "river.cluster",
    "river.drift",
    "river.linear_model",
    "river.optim",
    "river.preprocessing",
    "river.stats",
    "river.utils",
):
    defer(_package)

from river.cluster.k_means import KMeans  # noqa: E402  # after the packages are deferred, as all below
from river.drift.adwin import ADWIN  # noqa: E402
from river.drift.page_hinkley import PageHinkley  # noqa: E402
from river.linear_model.lin_reg import LinearRegression  # noqa: E402
from river.optim.base import Scheduler  # noqa: E402
from river.optim.losses import Poisson  # noqa: E402
from river.optim.sgd import SGD  # noqa: E402
from river.preprocessing.scale import StandardScaler  # noqa: E402
from river.utils.vectordict import VectorDict  # noqa: E402

__all__ = [
    "ADWIN",
    "SGD",
    "KMeans",
    "LinearRegression",
    "PageHinkley",
    "Poisson",
    "Scheduler",
    "StandardScaler",
    "VectorDict",
]
