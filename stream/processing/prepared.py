"""A step up to the run of the kernel, and what is left to do after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stream.errors import CodecError, DamagedProfileError
from stream.processing.step_outcome import StepOutcome
from stream.processing.written_run import WrittenRun

__all__ = ["Prepared"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A step in two halves with a run of the kernel between them; until it is finished its partition has no other.

    ``finish``: the outcome of what `run` returned. ``customers``: of the run. ``make``: makes the run; None: no
    customer takes part. ``size``: how many events, or customers of a sweep, it goes through.
    """

    finish: Callable[[WrittenRun | None], StepOutcome]
    customers: Sequence[str] = ()
    make: Callable[[], WrittenRun] | None = None
    size: int = 0

    def run(self) -> WrittenRun | None:
        """The run of the kernel. Any thread may call this, once, while others prepare, run and finish other steps.

        Raises `DamagedProfileError` when the profile of a customer is not one.
        """
        if self.make is None:
            return None
        try:
            return self.make()
        except CodecError as error:
            if error.row is None:
                raise
            raise DamagedProfileError(str(error), customer=self.customers[error.row]) from error

    def outcome(self) -> StepOutcome:
        """The outcome, here and now. Raises as `run` does."""
        return self.finish(self.run())
