"""The exceptions of the package.

StreamError
├── SettingsError        a setting is missing, malformed or contradicts another
│   └── CursorError      a text names no page of a list
├── TopologyError        topics, partitions or assignment are not what the program needs
├── StorageError         Redis answered, but not with what was expected
│   ├── UnreadError      the stored state is not as of now yet
│   ├── NoEventsError    no event has been processed yet
│   ├── FencedError      another worker owns the partition now, or the store was rolled back
│   ├── RebuildError     a projection is to be built again from the log
│   └── CodecError       stored bytes are not a profile of a known layout
│       └── DamagedProfileError    ... and whose they are
├── SystematicError      the program fails for a reason that is not in one event or one customer
├── SnapshotError        a model snapshot is corrupt or of an unknown schema
├── EventLogError        an event-log file cannot be read
├── ImportFileError      an export of a shop system cannot be read, or not without an answer
├── InvalidEventError    an event that was to be published breaks the contract
├── PublishError         the broker did not accept a record
│   └── DeliveryError    events were handed over and are not confirmed
└── LocalServerError     an embedded server did not start or died

Bad *data* on a topic is never an exception: it is a dead letter (`stream.events.rejections.Rejection`).
"""

__all__ = [
    "CodecError",
    "CursorError",
    "DamagedProfileError",
    "DeliveryError",
    "EventLogError",
    "FencedError",
    "ImportFileError",
    "InvalidEventError",
    "LocalServerError",
    "NoEventsError",
    "PublishError",
    "RebuildError",
    "SettingsError",
    "SnapshotError",
    "StorageError",
    "StreamError",
    "SystematicError",
    "TopologyError",
    "UnreadError",
]


class StreamError(Exception):
    """Base of all errors of the package; the message says what to do."""


class SettingsError(StreamError):
    """A setting is missing, malformed or contradicts another."""


class CursorError(SettingsError):
    """A text names no page of a list."""

    def __init__(self) -> None:
        super().__init__("this is not a cursor: take the one that came with the page before")


class TopologyError(StreamError):
    """Topics, partitions or the assignment are not what the program needs."""


class StorageError(StreamError):
    """Redis answered, but not with what was expected."""


class UnreadError(StorageError):
    """What is stored is not as of now: records that matter have not been read yet."""


class NoEventsError(StorageError):
    """No event has been processed yet."""


class FencedError(StorageError):
    """Another worker owns the partition now, or the store was rolled back.

    ``superseded``: there was a later claim, so this process is likely not the owner any more.
    """

    def __init__(self, message: str, *, superseded: bool = False) -> None:
        super().__init__(message)
        self.superseded = superseded


class RebuildError(StorageError):
    """A projection is to be built again from the log: what this worker has is of a former generation."""


class CodecError(StorageError):
    """Stored bytes are not a profile of a known layout. ``row``: its position among those that were read together."""

    def __init__(self, message: str, *, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class DamagedProfileError(CodecError):
    """The stored profile of ``customer`` cannot be read."""

    def __init__(self, message: str, *, customer: str) -> None:
        super().__init__(message)
        self.customer = customer


class SystematicError(StreamError):
    """A step fails for a reason that is not in one event or one customer: nothing of it may be stored."""


class SnapshotError(StreamError):
    """A model snapshot is corrupt or of an unknown schema."""


class EventLogError(StreamError):
    """An event-log file cannot be read."""


class ImportFileError(StreamError):
    """An export of a shop system cannot be read, or its columns and signs leave a question open."""


class InvalidEventError(StreamError):
    """An event that was to be published breaks the contract; ``reason`` is one of `stream.events.rejections.Defect`."""

    def __init__(self, message: str, *, event_id: str, reason: str) -> None:
        super().__init__(message)
        self.event_id = event_id
        self.reason = reason


class PublishError(StreamError):
    """The broker did not accept a record."""


class DeliveryError(PublishError):
    """Events were handed over and are not confirmed: refused, or without an answer in time.

    ``event_ids``: which, at most a thousand of them, in the order in which they were handed over. Publishing them
    again is safe: an event that is in the log twice counts once.
    """

    def __init__(self, message: str, *, event_ids: tuple[str, ...]) -> None:
        super().__init__(message)
        self.event_ids = event_ids


class LocalServerError(StreamError):
    """An embedded server did not start or died."""
