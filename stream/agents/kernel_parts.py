"""Compiling the kernel in several processes at once: each takes the next part that no other has taken.

A part is a subtree of the calls below an entry of the kernel. What a process has compiled, all others load from the
cache directory, so nothing but locks on files in it needs to be agreed on. A worker starts such processes and waits for
their end, for a process keeps what the compiler took: some 250 MB.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt
from numba.core.registry import cpu_target

from stream.events.columns import EVENT
from stream.features import codec
from stream.features.profile import PROFILE
from stream.features.stages import Stage, StageCause
from stream.kernel_cache import COMPLETE, VARIABLE
from stream.processing import advance
from stream.processing.buffers import Buffers
from stream.processing.compiled_model import compiled
from stream.processing.document import build
from stream.processing.emission import STAGE_CHANGE
from stream.processing.json_text import quoted
from stream.processing.kernel import Kernel, Run, StoredProfiles
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.processing.stage_changes import changes_of_stage

__all__ = ["compile_elsewhere", "compile_parts"]

_NAME: Final = "warm-up"

Parts = Mapping[str, Callable[[], object]]


def compile_parts() -> None:
    """Compile what nobody has compiled or is compiling; return when all is in the cache directory.

    At most one process a core works at a time; the others wait for one of them.
    """
    directory = Path(os.environ[VARIABLE])
    directory.mkdir(parents=True, exist_ok=True)
    with _core(directory):
        if _is_complete(directory):
            return
        for parts in (_subtrees(), _entries()):
            for name, part in parts.items():
                with _claim(directory / f"{name}.lock", wait=False) as is_ours:
                    if is_ours:
                        part()
            for name in parts:
                with _claim(directory / f"{name}.lock", wait=True):
                    pass
        (directory / COMPLETE).write_text(_processor())


def compile_elsewhere() -> None:
    """Let other processes compile all that is not compiled, one for each core, and wait for their end.

    Processes that start together wait for those of one of them. What these have not compiled when they end, for
    whatever reason, the kernels compile where they are called.
    """
    directory = Path(os.environ[VARIABLE])
    if _is_complete(directory):
        return
    directory.mkdir(parents=True, exist_ok=True)
    with _claim(directory / "compiling.lock", wait=True):
        if _is_complete(directory):
            return
        command = [sys.executable, "-c", f"from {__name__} import compile_parts; compile_parts()"]
        started = [subprocess.Popen(command) for _ in range(_cores())]  # noqa: S603
        try:
            for process in started:
                process.wait()
        finally:
            # whoever is told to stop does not wait for the rest
            for process in started:
                process.terminate()
                process.wait()


def _is_complete(directory: Path) -> bool:
    """Whether all parts were compiled there, for this processor: the directory may come from another machine."""
    file = directory / COMPLETE
    return file.exists() and file.read_text() == _processor()


def _processor() -> str:
    """What Numba compiles for."""
    return "\n".join(map(str, cpu_target.target_context.codegen().magic_tuple()))


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@contextmanager
def _core(directory: Path) -> Iterator[None]:
    paths = [directory / f"core-{number}.lock" for number in range(_cores())]
    for path in paths:
        with _claim(path, wait=False) as is_ours:
            if is_ours:
                yield
                return
    with _claim(paths[os.getpid() % len(paths)], wait=True):
        yield


@contextmanager
def _claim(path: Path, *, wait: bool) -> Iterator[bool]:
    """Whether the lock on a file is ours in the block. A process that ends, however it ends, gives its locks back."""
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def _subtrees() -> Parts:
    """Parts without a common callee of any size, those that take longest first."""
    rules, models = Rules(), compiled(WARMING.model)
    of_kernel = Buffers().output_for(1, 0, codec.LAYOUT)
    profile, event = (_type_of(np.zeros(1, dtype)[0]) for dtype in (PROFILE, EVENT))
    model, given, emissions = map(_type_of, (models[0], rules, of_kernel.emissions))
    tally, looks, changes, raw = map(_type_of, (of_kernel.tally, of_kernel.looks, of_kernel.changes, of_kernel.raw))
    stored, whole = _type_of(codec.join([None])[0]), numba.int64
    rest = (whole, given, model, emissions, whole, tally, looks, changes)
    return {
        "fire": lambda: advance.fire.compile((profile, whole, *rest)),
        "unpack": lambda: codec.unpack_from.compile((profile, stored, whole, whole)),
        "pack": lambda: codec.pack_into.compile((profile, raw, whole, whole, whole)),
        "document": lambda: build(quoted([_NAME]), _empty_run(models), WARMING, rules),
        "apply": lambda: advance.apply.compile((profile, whole, event, *rest)),
        "stages": _write_a_change,
    }


def _type_of(value: object) -> Any:
    return numba.typeof(value)  # type: ignore[no-untyped-call]  # Numba leaves it untyped


def _entries() -> Parts:
    """What calls the subtrees."""
    rules = Rules()
    kernel = Kernel(rules)
    one = StoredProfiles([_NAME], [None], [0])
    nobody, nothing = np.zeros(0, np.int64), np.zeros(0, EVENT)
    return {
        "advance": kernel.advance(one, nobody, nothing, nobody, WARMING.model),
        "sweep": kernel.sweep(one, 0, WARMING.model),
        "score": lambda: Kernel(rules).score([], [], 0, WARMING.model),
    }


def _empty_run(models: npt.NDArray[np.void]) -> Run:
    """One customer of whom nothing is known."""
    left = Buffers().output_for(1, 0, codec.LAYOUT)
    return Run(
        model=models,
        raw=b"\0",
        starts=np.zeros(2, np.int64),
        standing=left.standing,
        values=left.looks.values,
        inputs=left.looks.inputs,
        status=np.zeros(0, np.uint8),
        emissions=left.emissions[:0],
        stage_changes=left.changes.records[:0],
        fired={},
        suppressed={},
    )


def _write_a_change() -> None:
    change = np.zeros(1, STAGE_CHANGE)
    change["stage"], change["cause"] = Stage.LEAD, StageCause.EVENT
    changes_of_stage(change, [_NAME], quoted([_NAME]), _NAME, 0)
