"""The present value of future money, against sums written out."""

import pytest

from stream.alerts.customer_value import lifetime_value, present_value


def test_the_value_of_three_periods_is_their_discounted_sum() -> None:
    assert present_value([0.8, 0.6, 0.5], 100.0, 0.10) == 159.88
    by_hand = 80 / 1.1 + 60 / 1.1**2 + 50 / 1.1**3
    assert by_hand == pytest.approx(159.88, abs=0.005)


@pytest.mark.parametrize("risk", [0.1, 0.5, 0.9])
def test_the_lifetime_value_is_the_limit_of_the_sum(risk: float) -> None:
    chances = [(1.0 - risk) ** period for period in range(400)]
    assert lifetime_value([risk], [100.0], 365.0, 0.1)[0] == pytest.approx(
        present_value(chances, 100.0, 0.1, first_at=0.5), abs=0.02
    )
