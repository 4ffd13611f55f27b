"""Translating what other systems send into native events: one table for each."""

from stream.adapters.adapter import Adapter, Call, Ignored, Malformed, Native, Proof, Translation
from stream.adapters.providers import ADAPTER_NAMES, adapters_of

__all__ = ["ADAPTER_NAMES", "Adapter", "Call", "Ignored", "Malformed", "Native", "Proof", "Translation", "adapters_of"]
