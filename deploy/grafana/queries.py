"""PromQL that several pages use. ``$__rate_interval`` is at least four scrapes."""

__all__ = ["age", "by", "quantile", "rate"]


def by(label: str, aggregate: str, expr: str) -> str:
    """``aggregate`` over everything but ``label``."""
    return f"{aggregate} by ({label}) ({expr})"


def rate(counter: str) -> str:
    """Increase of a counter a second."""
    return f"rate({counter}[$__rate_interval])"


def quantile(share: float, histogram: str, selector: str, label: str = "") -> str:
    """The ``share`` quantile of a histogram, by ``label`` if one is given."""
    labels = f"le, {label}" if label else "le"
    return f"histogram_quantile({share:g}, sum by ({labels}) ({rate(f'{histogram}_bucket{{{selector}}}')}))"


def age(timestamp: str) -> str:
    """Seconds since the newest of several times of day; 0 stands for "never" and does not count."""
    return f"time() - max({timestamp} > 0)"
