"""What the trainer tells people about its models: sealed data, next to the snapshots."""

from msgspec import Struct

from stream.online_models.contenders import ContenderStanding
from stream.online_models.sealed import open_sealed, seal

__all__ = ["ModelReport", "decode_report", "encode_report"]

SCHEMA = "stream.model-report/1"


class ModelReport(Struct, frozen=True, kw_only=True):
    """``version``: of each contender's model, in the order of ``standings``. ``labels``: learned in all."""

    created_at_ms: int
    labels: int
    standings: tuple[ContenderStanding, ...]
    versions: tuple[int, ...]


def encode_report(report: ModelReport) -> bytes:
    """The report as JSON with schema and checksum."""
    return seal(SCHEMA, report)


def decode_report(value: bytes) -> ModelReport:
    """The report in ``value``. Raises `SnapshotError` if it is damaged or of another schema."""
    return open_sealed(value, SCHEMA, ModelReport)
