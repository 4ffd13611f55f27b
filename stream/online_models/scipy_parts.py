"""What the models take from SciPy's optimisation, imported without all other methods: 11 MB less."""

from __future__ import annotations

from stream.deferred_packages import defer

defer("scipy.optimize")

from scipy.optimize._lbfgsb_py import fmin_l_bfgs_b  # type: ignore[import-untyped]  # noqa: E402  # SciPy has no types
from scipy.optimize._lsap import linear_sum_assignment  # type: ignore[import-untyped]  # noqa: E402  # as above

__all__ = ["fmin_l_bfgs_b", "linear_sum_assignment"]
