"""Many trials, a few at a time, each process with its own Kafka; results are written as they come."""

import json
import multiprocessing
import multiprocessing.util
import os
import shutil
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.brokers import Brokers, broker_name
from tests.faults.processes import ROOT
from tests.faults.report import summary
from tests.faults.schedule import Skipped, Task
from tests.faults.trials import FAULTS, Result, attempt

__all__ = ["collected", "output_of", "results_of", "try_one", "write"]

_OUTPUT = Path("build/faults.json")


def output_of(broker: str | None, *, some: bool) -> Path:
    """The file of results: those of one broker or of ``some`` faults must not replace the results of all."""
    names = [name for name in (broker, "partial" if some else None) if name]
    return _OUTPUT.with_stem("-".join([_OUTPUT.stem, *names]))


class _Process:
    """State that a process of the pool keeps between trials."""

    stack = ExitStack()
    brokers: Brokers | None = None

    @classmethod
    def try_one(cls, task: Task) -> Result:
        if cls.brokers is None:
            cls.brokers = cls.stack.enter_context(Brokers())
            multiprocessing.util.Finalize(None, cls.stack.close, exitpriority=10)  # atexit is not run in a pool
        return try_one(task, cls.brokers)


def try_one(task: Task, brokers: Brokers) -> Result:
    """The result of a trial; one that breaks must not hide the others, so it counts as a violation."""
    fault = FAULTS[task.fault]
    try:
        return attempt(fault, task.seed, task.kind, brokers, mutant=task.mutant, keep=task.keep)
    except Exception:  # noqa: BLE001 - whatever it is, it is shown, and fails the campaign
        what = f"X: {traceback.format_exc()}"
        broker = broker_name(task.kind, fault)
        return Result(fault.name, fault.number, broker, task.seed, 0, [what], 0, [], 0, 0, task.mutant)


def results_of(tasks: Sequence[Task], jobs: int) -> Iterator[Result]:
    """Results as they come; faults that need the machine for themselves run first."""
    alone = [task for task in tasks if FAULTS[task.fault].alone]
    others = [task for task in tasks if not FAULTS[task.fault].alone]
    for share, workers in ((alone, 1), (others, jobs)):
        if not share:
            continue
        # not forked: this process may have threads
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            for done in as_completed([pool.submit(_Process.try_one, task) for task in share]):
                yield done.result()


def _measured_commit() -> str | None:
    """The commit that is tried, with a plus sign if files differ from it; None outside of git."""
    if (git := shutil.which("git")) is None:
        return None
    head, changed = (
        subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    )
    return None if head.returncode else head.stdout.strip() + "+" * bool(changed.stdout.strip())


def write(
    output: Path,
    name: str,
    results: Sequence[Result],
    took_s: float,
    skipped: Sequence[Skipped] = (),
    commit: str | None = None,
    *,
    again: bool = False,
) -> None:
    """Write the results so far into ``output``, beside those of other names there, atomically.

    ``again``: replace the results of the same faults, and note their commit, or of the same mutants.
    """
    found: dict[str, Any] = json.loads(output.read_text()) if output.exists() else {}
    rows = [asdict(result) for result in results]
    if again and name == "mutants":
        names = {result.mutant for result in results}
        found[name] = [trial for trial in found[name] if trial["mutant"] not in names] + rows
    elif again:
        names = {result.fault for result in results}
        rows = [trial for trial in found["trials"] if trial["fault"] not in names] + rows
        of_commits = found.get("again", {}) | dict.fromkeys(sorted(names), commit)
        found |= {"faults": summary(rows), "trials": rows, "again": of_commits}
    elif name == "trials":
        found.pop("again", None)
        found |= {
            "faults": summary(rows),
            "trials": rows,
            "skipped": [asdict(one) for one in skipped],
            "took_s": round(took_s, 1),
            "commit": commit,
        }
    else:
        found[name] = rows
    output.parent.mkdir(exist_ok=True)
    scratch = output.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(found, indent=1) + "\n")
    scratch.replace(output)


def collected(
    output: Path,
    name: str,
    results: Iterator[Result],
    show: Callable[[Result], None],
    skipped: Sequence[Skipped] = (),
    *,
    again: bool = False,
) -> list[Result]:
    """Show and write each result as it comes; return all. ``again``: see `write`."""
    began, so_far, commit = time.monotonic(), list[Result](), _measured_commit()
    for result in results:
        show(result)
        so_far.append(result)
        write(output, name, so_far, time.monotonic() - began, skipped, commit, again=again)
    return so_far
