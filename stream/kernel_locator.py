"""Where Numba keeps the kernels of a module within the cache directory: by its place in the package, not on the disk.

Named in the environment by `stream.kernel_cache`; Numba imports it with the first kernel.
"""

from pathlib import Path

from numba.core.caching import UserProvidedCacheLocator

__all__ = ["KernelLocator"]

_PACKAGE = Path(__file__).parent


class KernelLocator(UserProvidedCacheLocator):
    """For modules of this package; Numba's own rule, a hash of the path, is for all others, as those of extensions."""

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        folder = Path(py_file).absolute().parent
        if folder.is_relative_to(_PACKAGE):
            return "_".join((_PACKAGE.name, *folder.relative_to(_PACKAGE).parts))
        return str(super().get_suitable_cache_subpath(py_file))  # type: ignore[no-untyped-call]  # Numba leaves it untyped
