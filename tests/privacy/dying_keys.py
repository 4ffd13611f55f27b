"""A process that kills itself at a statement: ``python -m tests.privacy.dying_keys URL FILE STEP erase ID``.

Or ``rotate`` in place of the last two. FILE has the master keys. It ends with 0 when its work took fewer statements.
"""

import os
import signal
import sys
from typing import Any

from stream.privacy.person_keys import PersonKeys
from stream.privacy.sql_key_store import SqlKeyStore
from stream.settings import Settings


class _Dying(SqlKeyStore):
    """Counts the statements of SQLite; those that begin and end transactions are some as well."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.left = -1

    def _opened(self) -> Any:
        connection = super()._opened()
        connection.set_trace_callback(self._count)
        return connection

    def _count(self, _statement: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, file: str, step: str, what: str, *ids: str) -> None:
    from stream.privacy.master_keys import MasterKeys

    store = _Dying(url)
    keys = PersonKeys(store, MasterKeys.of(Settings(privacy_keys=url, privacy_master_key_file=file)))
    # from here on
    store.left = int(step)
    if what == "erase":
        keys.erase(ids, refuse=True)
    else:
        keys.rotate(settle_s=0.0)
    keys.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
