"""``python -m stream`` is ``stream``."""

import sys

from stream.garbage import look_rarely
from stream.local.asking import COMMANDS, ask

__all__ = ["program"]


def program() -> None:
    """Run the command of the arguments, here or in a process that has its code in memory already."""
    status = ask(sys.argv[1:])
    if status is None:
        if COMMANDS.intersection(sys.argv[1:2]):
            # a fifth of their time would be looking for garbage among what they import
            look_rarely()
        from stream.cli import main  # noqa: PLC0415 - takes as long as asking

        main(prog_name="stream")
    sys.exit(status)


if __name__ == "__main__":
    program()
