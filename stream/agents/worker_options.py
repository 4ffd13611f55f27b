"""Options of a partition worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from stream.agents.kernel_thread import KernelThread
from stream.consent.consented import NOTHING_SAID, Consented
from stream.identity.note_proof import NoteProof
from stream.privacy.erasures import Erasures

__all__ = ["WorkerOptions", "all_is_read", "no_probe", "nobody_has_said"]


def no_probe(_point: str) -> None:
    """Do nothing at a named point of a step."""


async def nobody_has_said(_customers: Sequence[str]) -> Consented:
    """Everybody has said nothing."""
    return NOTHING_SAID


async def all_is_read() -> str:
    """Nothing that customers have said is still to be read."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """``clock``, ``clock_quiet_s``, ``shop_times``: see `stream.agents.pace`. ``rescore``: ``auto``, or only when
    ``asked``, which counts requests; ``rest_s``: for how long nothing new must have come before; ``period_ms``: of
    landmarks, see `stream.processing.rescoring`; ``is_behind``: whether a partition of this worker is, which comes
    before rescoring any. ``gather_s``: how long a partition that lags waits for a larger step, if its oldest
    record is as old as ``behind_s``; ``fill_s``: how long if the logs have all that the step lacks. ``outbox_limit``:
    unpublished records at which a partition takes no more events. ``sweep_customers``: most due customers in one sweep.
    ``fenced_wait_s``: how long a worker that was superseded waits for its revocation before it claims again.
    ``second_clock``: the time of day (ms) on another machine, None for that of Redis.
    ``erasures``: who is erased; ``departures``: by what to know records of customers who leave, None: there
    are none;
    ``consents``: what customers agreed to, asked before a projection learns from them; ``unread``: why that is not
    known yet, empty when it is. ``kernels``: where large runs of the kernel are made.
    ``partition_count``: of the event topics, 0: unknown. ``for_release_before``: whether a worker of the release before
    may own the partition next, so that it has to be able to read the outbox. ``probe``: called at the named points of a
    step (fault injection in tests).
    """

    clock: str = "auto"
    clock_quiet_s: float = 300.0
    shop_times: Callable[[], Collection[int]] = tuple
    rescore: str = "auto"
    asked: Callable[[], int] = lambda: 0
    rest_s: float = 5.0
    period_ms: int = 7 * 86_400_000
    is_behind: Callable[[], bool] = lambda: False
    step_records: int = 2000
    align_wait_s: float = 5.0
    gather_s: float = 0.2
    fill_s: float = 10.0
    behind_s: float = 1.0
    outbox_limit: int = 20_000
    sweep_customers: int = 4000
    fenced_wait_s: float = 10.0
    second_clock: Callable[[], int | None] | None = None
    erasures: Erasures = field(default_factory=Erasures)
    departures: NoteProof | None = None
    consents: Callable[[Sequence[str]], Awaitable[Consented]] = nobody_has_said
    unread: Callable[[], Awaitable[str]] = all_is_read
    kernels: KernelThread = field(default_factory=KernelThread)
    partition_count: int = 0
    for_release_before: bool = False
    probe: Callable[[str], None] = no_probe
