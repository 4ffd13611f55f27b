"""Translating what other systems send into native events: one table for each."""

from stream.adapters.adapter import Adapter, Call, Ignored, Malformed, Native, Proof, SamePerson, Translation, Visit
from stream.adapters.providers import ADAPTER_NAMES, TABLES, adapters_of

__all__ = [
    "ADAPTER_NAMES",
    "TABLES",
    "Adapter",
    "Call",
    "Ignored",
    "Malformed",
    "Native",
    "Proof",
    "SamePerson",
    "Translation",
    "Visit",
    "adapters_of",
]
