"""Packages of others whose ``__init__`` is not run before someone asks for what it makes.

The package of one estimator of River imports all estimators beside it, and with them SciPy's distributions, pandas and
scikit-learn where they are installed: 100 MB and a second for a few classes.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

__all__ = ["defer"]

#: Two threads may ask at once.
_LOCK = threading.RLock()


def defer(name: str) -> None:
    """Let modules of the package ``name`` be imported without the package itself, unless that is imported already.

    An attribute of the package is the module of that name, if there is one. Any other runs the package's ``__init__``.
    So this suits packages that give no function or class the name of a module of theirs.
    """
    with _LOCK:
        if name in sys.modules:
            return
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(f"there is no package {name!r}", name=name)
        package = importlib.util.module_from_spec(spec)
        package.__class__ = _Deferred
        sys.modules[name] = package
        parent, _, leaf = name.rpartition(".")
        setattr(sys.modules[parent], leaf, package)


class _Deferred(ModuleType):
    """A package whose ``__init__`` runs when someone asks for what no module of it is called."""

    _has_run = False

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") or name == "__all__":
            with _LOCK:
                module = f"{self.__name__}.{name}"
                if importlib.util.find_spec(module) is not None:
                    return importlib.import_module(module)
                if not self._has_run:
                    self._has_run = True  # what it imports asks for no other run
                    self._run()
                if name in vars(self):
                    return vars(self)[name]
        raise AttributeError(f"the package {self.__name__!r} has no attribute {name!r}")

    def _run(self) -> None:
        if self.__spec__ is None or self.__spec__.loader is None:
            raise ImportError(f"the package {self.__name__!r} has no loader", name=self.__name__)
        self.__spec__.loader.exec_module(self)
