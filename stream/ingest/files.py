"""The limit of open files: every connection is one."""

import logging
import resource

__all__ = ["allow_files"]

_LOG = logging.getLogger(__name__)


def allow_files(wanted: int) -> None:
    """Let this process open so many files, as far as the system's hard limit lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if possible > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
    if possible < wanted:
        _LOG.warning("at most %d files may be open, %d are wanted: raise the limit (ulimit -Hn)", possible, wanted)
