"""Where the frames of a demo go: a live display on a terminal, plain lines elsewhere."""

import io
import re
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from stream.alerts.alert_records import Alert
from stream.catalogue.declaring import Money
from stream.catalogue.wording import plain_money
from stream.cli.alert_feed import AlertFeed
from stream.cli.console import FRAME_WIDTH
from stream.cli.demo_frame import frame, line
from stream.cli.demo_run import DemoProgress
from stream.errors import EventLogError

__all__ = ["Display", "write_svg"]

_LINE_INTERVAL_S = 2.0

#: Rich has a font fetched from elsewhere when the picture is looked at; any monospaced one will do.
_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FONT = ("Fira Code, monospace", "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace")


class Display(AbstractContextManager["Display"]):
    """``with Display(console) as display: display.say(...); display.show(progress, alerts)``."""

    def __init__(self, console: Console, money: Money = plain_money) -> None:
        self.console = console
        self._money = money
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._line_s = self._line_at_s = 0.0
        self._told = ""

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, what: str) -> None:
        """Tell one thing, in a line of its own where there is no terminal."""
        self.wait(what)
        if self._live is None:
            self.console.print(what, soft_wrap=True)

    def wait(self, what: str) -> None:
        """Tell on a terminal, in a line that the next replaces, what is waited for."""
        self._update(Text(what))

    def show(self, progress: DemoProgress, alerts: AlertFeed, *, last: bool = False) -> None:
        """Show a frame; without a terminal a line every couple of seconds, and the last one."""
        if self._live is not None:
            self._update(frame(progress, alerts.latest, self._money))
        elif progress.elapsed_s >= self._line_at_s or (last and progress.elapsed_s > self._line_s):
            self._line_s = progress.elapsed_s
            self._line_at_s = progress.elapsed_s + _LINE_INTERVAL_S
            self.console.print(line(progress), soft_wrap=True, markup=False)
            newest = alerts.latest[-1] if alerts.latest else None
            if newest is not None and newest.alert_id != self._told:
                self._told = newest.alert_id
                told = _in_short(newest, self._money)
                self.console.print(f"         latest alert: {told}", soft_wrap=True, markup=False)

    def _update(self, what: RenderableType) -> None:
        if self._live is not None:
            self._live.update(what, refresh=True)


def _in_short(alert: Alert, money: Money) -> str:
    at_risk = money(alert.value_at_risk)
    return f"{alert.occurred_at[:16]} {alert.customer_id}: {alert.sentence} ({at_risk} at risk, risk {alert.risk:.0%})"


def write_svg(progress: DemoProgress, alerts: AlertFeed, path: Path, money: Money = plain_money) -> None:
    """Write the frame as a picture. Raises `EventLogError` when it cannot be written."""
    nowhere = io.StringIO()
    console = Console(record=True, file=nowhere, width=FRAME_WIDTH, force_terminal=True, color_system="truecolor")
    console.print(frame(progress, alerts.latest, money))
    picture = _FONT_FACES.sub("", console.export_svg(title="stream demo")).replace(*_FONT)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture, "utf-8")
    except OSError as error:
        raise EventLogError(f"{path}: the picture cannot be written: {error}") from error
