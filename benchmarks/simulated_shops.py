"""Made-up shops of which the true risk is known.

Each customer has a rate ``lambda``, Gamma(``r``, ``alpha``), and leaves after a lifetime that is exponential with a
rate ``mu``, Gamma(``s``, ``beta``). While they are customers, the gaps between their orders are Gamma with ``shape``
and mean 1 / ``lambda``: less than 1 is clumpy, 1 is at random (Pareto/NBD), more is regular. Both run on clocks that
all customers share: ``pace`` tells how fast orders come on each day (seasons, promotions, prices), ``leaving`` how fast
customers leave.

Let ``S`` and ``M`` be the running integrals of both, counted from a customer's first order, with ``x`` further orders,
the last of them ``t`` days after the first. For a customer who has not left, the probability of no order until ``u``
is::

    W(u) = 1 - I(y / (1 + y); shape, r + shape x),  y = shape (S(u) - S(t)) / (alpha + shape S(t))

with the regularised incomplete beta function ``I``: the quotient of two Gamma variables, which are the next gap and the
rate given the gaps so far. The probability of being a customer at ``u`` is ``G(u) = (beta / (beta + M(u)))^s``. With

    N(u) = integral of W(v) over -dG(v) from t to u, + W(u) G(u)

the true risk at the cut is ``N(cut + horizon) / N(cut)``. It uses the parameters of the shop, both clocks (the coming
season too) and the customer's orders, but neither a customer's own rates nor whether they have left. No model has a
lower expected log loss.

Sources: D. Schmittlein, D. Morrison, R. Colombo, "Counting your customers", Management Science 33 (1987); M. Platzer,
T. Reutterer, "Ticking away the moments", Marketing Science 35 (2016); P. Fader, B. Hardie, L. Lee, "RFM and CLV",
Journal of Marketing Research 42 (2005) for the parameters of CDNOW.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc  # type: ignore[import-untyped]  # SciPy ships no types

__all__ = ["DAYS", "SHOPS", "Known", "Orders", "SimulatedShop", "known_at", "simulate", "true_risk"]

Floats = npt.NDArray[np.float64]

#: The clocks reach from a shop's first day beyond every horizon.
DAYS: Final = 1_000
#: Nodes of the integral over the silence, and over the horizon.
_NODES: Final = 128
_AT_ONCE: Final = 20_000


class SimulatedShop(NamedTuple):
    """What a shop is like; rates are per day.

    ``pace``, ``leaving``: float64[DAYS], 1 on a usual day. ``arrival``: the chance of each day to bring a customer, in
    any unit, float64[DAYS]. The log has ``days`` days.
    """

    customers: int
    days: int
    arrival: Floats
    pace: Floats
    leaving: Floats
    shape: float
    r: float
    alpha: float
    s: float
    beta: float


class Orders(NamedTuple):
    """Orders by customer, then time: number of the customer int64[M], days since the shop's first day float64[M]."""

    customer: npt.NDArray[np.int64]
    at: Floats


class Known(NamedTuple):
    """Of N customers, float64[N]: further orders, days of the first and the last order (of the shop's clock)."""

    x: Floats
    first: Floats
    last: Floats


def simulate(shop: SimulatedShop, seed: int) -> Orders:
    """All orders of a shop. A function of its arguments."""
    generator = np.random.default_rng(seed)
    open_days = shop.arrival[: shop.days]
    first = generator.choice(shop.days, shop.customers, p=open_days / open_days.sum()) + generator.random(
        shop.customers
    )
    rate = generator.gamma(shop.r, 1.0 / shop.alpha, shop.customers)
    stay = generator.exponential(1.0, shop.customers) / generator.gamma(shop.s, 1.0 / shop.beta, shop.customers)
    until = np.minimum(_when(shop.leaving, _run(shop.leaving, first) + stay), float(shop.days))
    who, at, run = np.arange(shop.customers), first, _run(shop.pace, first)
    found = [(who, at)]
    while len(who):
        run = run + generator.gamma(shop.shape, 1.0, len(who)) / (shop.shape * rate[who])
        at = _when(shop.pace, run)
        stays = at < until[who]
        who, at, run = who[stays], at[stays], run[stays]
        found.append((who, at))
    customer, times = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((times, customer))
    return Orders(customer[order], times[order])


def known_at(orders: Orders, cut: float) -> tuple[npt.NDArray[np.int64], Known]:
    """The customers with an order before ``cut``, ascending, and their orders up to then."""
    before = orders.at < cut
    customer, at = orders.customer[before], orders.at[before]
    first = np.flatnonzero(np.diff(customer, prepend=-1))
    last = np.append(first[1:], len(customer)) - 1
    return customer[first], Known((last - first).astype(np.float64), at[first], at[last])


def true_risk(shop: SimulatedShop, of: Known, cut: float, horizon: float) -> Floats:
    """Probability of no order in ``[cut, cut + horizon)``, float64[N]; see the module."""
    parts = [
        _true_risk(shop, Known(*(column[start : start + _AT_ONCE] for column in of)), cut, horizon)
        for start in range(0, len(of.x), _AT_ONCE)
    ]
    return np.concatenate([np.zeros(0), *parts])


def _true_risk(shop: SimulatedShop, of: Known, cut: float, horizon: float) -> Floats:
    known = of.x[:, None], of.first[:, None], of.last[:, None]
    # the probability of silence falls fastest at first, so nodes lie closer there
    steps = np.linspace(0.0, 1.0, _NODES + 1)[None, :] ** 2
    silence = known[2] + (cut - known[2]) * steps
    ahead = np.broadcast_to(cut + horizon * steps, silence.shape)
    left, silent, there = _integral(shop, known, silence)
    until_cut = left + silent * there
    more, silent, there = _integral(shop, known, ahead)
    return np.asarray((left + more + silent * there) / until_cut, np.float64)


def _integral(
    shop: SimulatedShop, known: tuple[Floats, Floats, Floats], nodes: Floats
) -> tuple[Floats, Floats, Floats]:
    """The integral of W over -dG along ``nodes`` float64[N, K], and W and G at the last node."""
    x, first, last = known
    begun, run_last = _run(shop.pace, first), _run(shop.pace, last)
    ratio = shop.shape * (_run(shop.pace, nodes) - run_last) / (shop.alpha + shop.shape * (run_last - begun))
    silent = 1.0 - betainc(shop.shape, shop.r + shop.shape * x, ratio / (1.0 + ratio))
    stayed = _run(shop.leaving, nodes) - _run(shop.leaving, first)
    there = (shop.beta / (shop.beta + stayed)) ** shop.s
    inner = ((silent[:, 1:] + silent[:, :-1]) / 2.0 * (there[:, :-1] - there[:, 1:])).sum(axis=1)
    return inner, silent[:, -1], there[:, -1]


def _run(speed: Floats, days: Floats) -> Floats:
    """The reading of a clock that runs at ``speed`` on each day."""
    return np.interp(days, np.arange(len(speed) + 1.0), _ticks(speed))


def _when(speed: Floats, reading: Floats) -> Floats:
    """When the clock shows ``reading``; infinity beyond its end."""
    found: Floats = np.interp(reading, _ticks(speed), np.arange(len(speed) + 1.0), right=np.inf)
    return found


def _ticks(speed: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(speed)])


_DAY: Final = np.arange(DAYS)
_EVEN: Final = np.ones(DAYS)
#: Customers come evenly over one and a half years, and order a few times a year; Pareto/NBD.
_USUAL: Final = SimulatedShop(
    customers=3_000,
    days=546,
    arrival=_EVEN,
    pace=_EVEN,
    leaving=_EVEN,
    shape=1.0,
    r=1.2,
    alpha=40.0,
    s=0.6,
    beta=120.0,
)
_SEASON: Final = 1.0 + 0.6 * np.cos(2.0 * np.pi * (_DAY - 340) / 365.25)
_PROMOTED: Final = np.where(_DAY % 56 < 7, 3.0, 0.8)  # noqa: PLR2004 - one week of eight
_RAISED: Final = _DAY >= 270  # noqa: PLR2004 - the day of the price rise

#: One of each kind. ``cohort``: all customers come in the first 12 weeks, and order as CDNOW's did.
SHOPS: Final[dict[str, SimulatedShop]] = {
    "pareto": _USUAL,
    "cohort": _USUAL._replace(arrival=(_DAY < 12 * 7).astype(np.float64), r=0.553, alpha=74.0, s=0.606, beta=81.7),
    "seasonal": _USUAL._replace(pace=_SEASON),
    "clumpy": _USUAL._replace(shape=0.4),
    "regular": _USUAL._replace(shape=3.0),
    "promotions": _USUAL._replace(pace=_PROMOTED),
    "growth": _USUAL._replace(arrival=np.exp(_DAY / 200.0)),
    "price rise": _USUAL._replace(pace=np.where(_RAISED, 0.7, 1.0), leaving=np.where(_RAISED, 1.8, 1.0)),
}
