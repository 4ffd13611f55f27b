"""Where tables and figures for people go."""

from typing import Final

from rich.console import Console

__all__ = ["FRAME_WIDTH", "console_for_people"]

#: Columns that are used where the width is not that of a terminal.
FRAME_WIDTH: Final = 112


def console_for_people() -> Console:
    """Standard output as wide as the terminal is, or as a frame where it is none; brackets in what it shows stay."""
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        return console
    return Console(highlight=False, markup=False, emoji=False, width=FRAME_WIDTH)
