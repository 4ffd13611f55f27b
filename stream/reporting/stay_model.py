"""The model of the share of a customer's orders that stays."""

from __future__ import annotations

from typing import Any, Final

from river import base, linear_model, optim

__all__ = ["MIN_LABELS", "StayModel"]

#: With fewer labels every customer gets the share of the shop.
MIN_LABELS: Final = 200
_RATE: Final = 0.1


class StayModel(base.Regressor):
    """The expected share in [0, 1] that stays; River's interface. Until `MIN_LABELS` labels it is the mean of all.

    A share of y is learned as y of an order that stays and 1 - y of one that does not (quasi-likelihood).

    Examples
    --------
    >>> model = StayModel()
    >>> model.learn_one({"orders": 1.0}, 0.25)
    >>> model.predict_one({"orders": 1.0}), model.is_learned
    (0.25, False)
    """

    def __init__(self) -> None:
        self.labels = 0
        self.total = 0.0
        # part of River is not typed
        self._model: Any = linear_model.LogisticRegression(optim.AdaGrad(_RATE), intercept_lr=_RATE)

    @property
    def is_learned(self) -> bool:
        """Whether predictions differ by customer."""
        return self.labels >= MIN_LABELS

    @property
    def rate(self) -> float:
        """The mean share of all labels; a half before the first."""
        return self.total / self.labels if self.labels else 0.5

    def learn_one(self, x: dict[Any, Any], y: Any) -> None:
        """Learn that a share ``y`` of the orders stayed."""
        self.labels += 1
        self.total += y
        for stays, weight in ((True, y), (False, 1.0 - y)):
            if weight > 0.0:
                self._model.learn_one(x, stays, w=weight)

    def predict_one(self, x: dict[Any, Any]) -> float:
        """The expected share."""
        return float(self._model.predict_proba_one(x)[True]) if self.is_learned else self.rate
