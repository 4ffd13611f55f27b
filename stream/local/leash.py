"""Start a command that cannot outlive the process that asked for it.

Run as a script, isolated and without site packages::

    python -I -S leash.py OWNER_PID COMMAND [ARGUMENT ...]

On Linux the kernel sends the command SIGKILL when its owner dies, however it dies (``prctl(2)``,
``PR_SET_PDEATHSIG``; the setting survives ``exec``). It is tied to the *thread* that started the command, so
servers are to be started from a thread that lives as long as they do. Elsewhere a small watcher process looks
for the owner twice a second.

The file is a script of its own because the alternative, ``preexec_fn``, runs Python between fork and exec and
can deadlock in a process that has threads.
"""

import ctypes
import os
import signal
import sys
import time

__all__ = ["leashed", "main"]

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL_S = 0.5


def _die_with_owner_linux(owner: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != owner:  # the owner died before the line above took effect
        sys.exit("the owner is gone")


def _watch(owner: int, command: int) -> None:
    """Kill ``command`` when ``owner`` is gone; return when the command ends first."""
    while os.getppid() == command:
        try:
            os.kill(owner, 0)
        except ProcessLookupError:
            os.kill(command, signal.SIGKILL)
            return
        time.sleep(WATCH_INTERVAL_S)


def _die_with_owner_elsewhere(owner: int) -> None:
    command = os.getpid()
    if os.fork() == 0:
        _watch(owner, command)
        os._exit(0)


def leashed(command: list[str]) -> list[str]:
    """The command line that runs ``command`` (its first item is a path) leashed to this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(arguments: list[str]) -> None:
    """Replace this process by ``arguments[1:]``, leashed to process ``arguments[0]``."""
    owner, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        _die_with_owner_linux(owner)
    else:
        _die_with_owner_elsewhere(owner)
    os.execv(command[0], command)  # noqa: S606 - there is to be no shell


if __name__ == "__main__":
    main(sys.argv[1:])
