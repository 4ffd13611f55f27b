"""``python -m stream.broker DIRECTORY HOST:PORT``: started by `stream.local.durable_broker`."""

import logging
import sqlite3
import sys
from pathlib import Path

from stream.broker.server import serve
from stream.errors import LocalServerError

_LOG = logging.getLogger("stream.broker")

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    directory, _, address = (sys.argv[1], "", sys.argv[2])
    host, _, port = address.rpartition(":")
    path = Path(directory) / "log.sqlite"
    try:
        serve(path, host, int(port))
    except sqlite3.DatabaseError as error:
        # a file that is damaged, or cannot be opened: what it means is for people, not where it was noticed
        _LOG.critical("%s cannot be used: %s; make room if the disk is full, else restore the file", path, error)
        sys.exit(1)
    except LocalServerError as error:
        _LOG.critical("%s", error)
        sys.exit(1)
