"""The faults of projections, on those of what customers buy, of what came of offers, and of points."""

from tests.faults.ownership_faults import zombie
from tests.faults.projection_faults import kill_steps, rebuild
from tests.faults.redis_faults import cut_tail, flush
from tests.faults.scenario import EMBEDDED_HANGS, Fault
from tests.faults.worker import Plan
from tests.faults.worker_faults import terminate

__all__ = ["SALES_FAULTS"]

_SALES = {"projections": "recommendations,offers,points", "recommend_published": 3}
_BASKETS = {"customers": 150, "products": 80}
#: These read orders only: while one of two workers started, the other would come to their end.
_ONE_WORKER = {**_SALES, "workers": 1, "batch_max_records": 20}
_LONGER = {**_BASKETS, "customers": 200}

SALES_FAULTS = (
    Fault(
        "projection-sales-kill-at-point",
        "26",
        kill_steps,
        runs=1,
        log=_LONGER,
        bench=_ONE_WORKER,
        plan=Plan(pace_ms=25.0),
        needs_kafka=EMBEDDED_HANGS,
    ),
    Fault(
        "projection-sales-zombie",
        "26",
        zombie,
        runs=1,
        log=_BASKETS,
        bench=_SALES,
        plan=Plan(pace_ms=100.0),
        needs_kafka=EMBEDDED_HANGS,
    ),
    Fault(
        "projection-sales-sigterm",
        "26",
        terminate,
        runs=1,
        log=_LONGER,
        bench=_ONE_WORKER,
        plan=Plan(pace_ms=25.0),
    ),
    Fault("projection-sales-lost-tail", "26", cut_tail, runs=1, log=_BASKETS, bench=_SALES, takes_state_away=True),
    Fault("projection-sales-flushall", "26", flush, runs=1, log=_BASKETS, bench=_SALES, takes_state_away=True),
    Fault("projection-sales-rebuild", "26", rebuild, runs=1, log=_BASKETS, bench={**_SALES, "workers": 1}),
)
