"""Where this machine keeps a shop's data."""

import os
from pathlib import Path

from stream.local.directory import DataDirectory, default_directory
from stream.settings import Settings

__all__ = ["data_directory"]


def data_directory(settings: Settings) -> DataDirectory:
    """The directory that the settings name, else the default one."""
    return DataDirectory(Path(settings.data_dir) if settings.data_dir else default_directory(os.environ))
