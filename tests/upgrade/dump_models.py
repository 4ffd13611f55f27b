"""Make a dump of what was learned: ``python tests/upgrade/dump_models.py NAME`` with the release whose it is to be.

Its learner learns 1,500 made-up examples. The checkpoint, and the snapshot of each contender, go to ``models/NAME-*``.
"""

import gzip
import sys
from pathlib import Path

from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import encode_snapshot
from tests.online_models.component_states import NOW_MS, learned, seen

__all__ = ["EXAMPLES", "MODELS", "SETTINGS"]

MODELS = Path(__file__).parent / "models"
SETTINGS = LearnerSettings(min_labels=300, min_class_labels=20)
EXAMPLES = 1500
CONTENDERS = ("standard", "quick", "patient")


def main(name: str) -> None:
    learner = learned(seen(7, EXAMPLES), Learner(SETTINGS))
    snapshots = [encode_snapshot(learner.snapshot(NOW_MS, contender)) for contender in CONTENDERS]
    for kind, content in (("checkpoint.json", learner.dump()), ("snapshots.jsonl", b"\n".join(snapshots) + b"\n")):
        (MODELS / f"{name}-{kind}.gz").write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
