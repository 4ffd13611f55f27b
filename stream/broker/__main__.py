"""``python -m stream.broker DIRECTORY HOST:PORT``: started by `stream.local.durable_broker`."""

import logging
import sys
from pathlib import Path

from stream.broker.server import serve

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    directory, _, address = (sys.argv[1], "", sys.argv[2])
    host, _, port = address.rpartition(":")
    serve(Path(directory) / "log.sqlite", host, int(port))
