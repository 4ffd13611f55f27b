"""``python -m tests.faults``: try every fault, check every invariant, write ``build/faults.json``."""

import argparse
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.faults.report import summary, table
from tests.faults.scenario import Fault
from tests.faults.trials import FAULTS, Result, attempt
from tests.kafka.jars import missing_program

OUTPUT = Path("build/faults.json")

#: Which fault must betray each mutant.
BETRAYED_BY = {
    "compare-and-set": "zombie",
    "outbox": "worker-kill-at-point",
    "rewind": "redis-lost-tail",
    "alignment": "undisturbed",
    "safe-ack": "worker-kill",
}
#: A mutant that one seed does not betray has this many chances.
MUTANT_SEEDS = 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each fault")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; the same seed gives the same schedule")
    parser.add_argument("--broker", choices=("embedded", "kafka"), help="[kafka where it can run, else embedded]")
    parser.add_argument("--only", action="append", metavar="NAME", help="this fault; may be repeated")
    parser.add_argument("--runs", type=int, help="runs of each fault")
    parser.add_argument("--mutants", action="store_true", help="switch guarantees off; each must be noticed")
    parser.add_argument("--keep", type=Path, help="keep logs of workers and servers in this directory")
    parser.add_argument("--list", action="store_true", help="show the names of the faults")
    options = parser.parse_args()
    if options.broker is None:
        reason = missing_program()
        options.broker = "embedded" if reason else "kafka"
        if reason:
            print(f"on the embedded broker: {reason}", flush=True)
    return options


def _chosen(options: argparse.Namespace) -> Iterator[tuple[Fault, int]]:
    names = options.only or [name for name, fault in FAULTS.items() if not fault.short]
    for name in names:
        if name not in FAULTS:
            sys.exit(f"there is no fault {name}; there are {', '.join(FAULTS)}")
        fault = FAULTS[name]
        if fault.needs == "kafka" and (reason := missing_program()) is not None:
            print(f"SKIPPED {name}: {reason}", flush=True)
            continue
        runs = options.runs or (1 if options.quick else fault.runs)
        for number in range(runs):
            yield fault, options.seed + number


def _try(fault: Fault, seed: int, options: argparse.Namespace, mutant: str = "") -> Result:
    keep = options.keep / f"{fault.name}-{seed}{mutant and '-' + mutant}" if options.keep else None
    try:
        return attempt(fault, seed, options.broker, mutant=mutant, keep=keep)
    except Exception:  # noqa: BLE001 - one trial that breaks must not hide the others; it counts as a violation
        what = traceback.format_exc()
        return Result(fault.name, fault.number, options.broker, seed, 0, [f"X: {what}"], 0, [], 0, 0, mutant)


def _show(result: Result) -> None:
    recovered = f", recovered in {', '.join(f'{s:.1f}' for s in result.recoveries_s)} s" if result.recoveries_s else ""
    state = "FAIL" if result.violations else "ok"
    print(
        f"{state:4} {result.fault:24} {result.broker:9} seed {result.seed}: {result.faults} faults, "
        f"{result.duplicates} repeats, {result.memory_mb:.0f} MB, {result.took_s:.0f} s{recovered}",
        flush=True,
    )
    for violation in result.violations:
        print(f"     {violation[:2000]}", flush=True)


def _mutants(options: argparse.Namespace) -> list[Result]:
    results = []
    for mutant, name in BETRAYED_BY.items():
        for seed in range(options.seed, options.seed + MUTANT_SEEDS):
            result = _try(FAULTS[name], seed, options, mutant)
            noticed = sorted({violation[0] for violation in result.violations} - {"X"})
            how = f"noticed by {', '.join(noticed)}" if noticed else "NOT noticed"
            print(f"mutant {mutant:16} {name:22} seed {seed}: {how}", flush=True)
            for violation in result.violations[:3]:
                print(f"     {violation[:300]}", flush=True)
            results.append(result)
            if noticed:
                break
    return results


def main() -> int:
    """Run what was asked for; 1 if anything was violated (or a mutant lived)."""
    options = _arguments()
    if options.list:
        print("\n".join(f"{fault.number:>2} {name}: {fault.inject.__doc__ or ''}" for name, fault in FAULTS.items()))
        return 0
    if options.mutants:
        results = _mutants(options)
        caught = {result.mutant for result in results if any(v[0] != "X" for v in result.violations)}
        _write("mutants", [asdict(result) for result in results])
        return int(caught != BETRAYED_BY.keys())
    results = []
    for fault, seed in _chosen(options):
        result = _try(fault, seed, options)
        _show(result)
        results.append(result)
    _write("faults", summary(results))
    _write("trials", [asdict(result) for result in results])
    print(table(summary(results)))
    failed = [result for result in results if result.violations]
    for result in failed:
        print(
            f"again: make faults ARGS='--only {result.fault} --broker {options.broker} --seed {result.seed} --runs 1'"
        )
    return int(bool(failed))


def _write(name: str, rows: list[dict[str, object]]) -> None:
    OUTPUT.parent.mkdir(exist_ok=True)
    document = json.loads(OUTPUT.read_text()) if OUTPUT.exists() else {}
    OUTPUT.write_text(json.dumps({**document, name: rows}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
