"""A Redis that can be frozen, and whose disk can be full."""

import os
import resource
import signal

from stream.local.redis import EmbeddedRedis

__all__ = ["LimitedRedis"]

_UNLIMITED = resource.RLIM_INFINITY


class LimitedRedis(EmbeddedRedis):
    """An `EmbeddedRedis` on which `fill_disk` makes every append to its file fail, as a full disk does.

    Needs no rights and no mount: the kernel refuses to let the process write beyond a file size.
    """

    def command(self) -> list[str]:
        # the signal of the limit would end the process; ignored, the write fails with EFBIG
        return ["/bin/sh", "-c", f'trap "" {signal.SIGXFSZ.name[3:]}; exec "$0" "$@"', *super().command()]

    def freeze(self) -> None:
        """Answer nothing, accept everything."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Carry out what has been sent meanwhile, and go on."""
        os.kill(self.pid, signal.SIGCONT)

    def fill_disk(self) -> None:
        """From now on nothing can be appended."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (self._size(), _UNLIMITED))

    def free_disk(self) -> None:
        """From now on there is room."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (_UNLIMITED, _UNLIMITED))

    def _size(self) -> int:
        return max(path.stat().st_size for path in self.directory.rglob("*.aof"))
