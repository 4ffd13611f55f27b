"""How long to wait before trying again."""

from random import Random

__all__ = ["backoff_ms"]


def backoff_ms(failures: int, first_s: float, longest_s: float, random: Random) -> int:
    """Wait after the `failures`-th failure in a row: doubled each time up to `longest_s`, of which a random half.

    The random part keeps processes that failed together from trying again together.
    """
    longest = min(first_s * 2.0 ** min(failures - 1, 60), longest_s)
    return round(1000 * longest * random.uniform(0.5, 1.0))
