"""How far a comparison of policies is: learning from a log may take minutes, and nobody should wait in the dark."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeAlias

import click

from stream.cli.import_bar import Bar
from stream.cli.saying import say
from stream.whatif.trial_progress import StageProgress, encode_progress

__all__ = ["Stage", "shown_stages"]

Advance: TypeAlias = Callable[[int], None]
#: How often a line is written where nobody sees a bar (s): for people, and for a program, which shows the last one.
_LINE_S: Final = 10.0
_RECORD_S: Final = 1.0
#: Before that (s, and share of the events), how long the rest takes is a guess.
_SURE_S: Final = 1.0
_SURE_SHARE: Final = 0.05


#: ``with stage("learning", 20_781) as advance: advance(1000)``: so many of the events are done, from the first.
Stage: TypeAlias = Callable[[str, int], AbstractContextManager[Advance]]


def shown_stages(*, as_json: bool, monotonic: Callable[[], float] = time.monotonic) -> Stage:
    """A bar on a terminal; elsewhere lines on standard error, with ``as_json`` as JSON (`StageProgress`)."""

    @contextmanager
    def stage(name: str, events: int) -> Iterator[Advance]:
        if sys.stderr.isatty() and not as_json:
            with Bar(name, events) as bar:
                yield lambda done: bar.show(done, events)
            return
        told_s = monotonic()
        begun: tuple[float, int] | None = None

        def advance(done: int) -> None:
            nonlocal told_s, begun
            now_s = monotonic()
            # what comes first waits for libraries to load, so it tells nothing of the rest
            begun = begun or (now_s, done)
            if now_s - told_s < (_RECORD_S if as_json else _LINE_S):
                return
            told_s = now_s
            passed_s, passed = now_s - begun[0], done - begun[1]
            is_sure = passed_s >= _SURE_S and passed >= _SURE_SHARE * events
            left_s = passed_s / passed * (events - done) if is_sure else None
            progress = StageProgress(name, min(done / max(events, 1), 1.0), left_s)
            if as_json:
                click.echo(encode_progress(progress), err=True)
            else:
                rest = "" if left_s is None else f", about {left_s:.0f} s left"
                say(f"{name}: {progress.share:.0%}{rest}")

        yield advance

    return stage
