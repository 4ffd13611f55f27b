"""``python -m tests.faults``: try every fault, check every invariant, write ``build/faults.json``."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.faults.brokers import Brokers
from tests.faults.campaign import OUTPUT, PARTIAL_OUTPUT, Task, collected, results_of, try_one
from tests.faults.report import mutants_table, summary, table
from tests.faults.trials import FAULTS, Result
from tests.kafka.jars import missing_program

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
    parser.add_argument("--only", action="append", metavar="NAME", help="this fault, or mutant; may be repeated")
    parser.add_argument("--runs", type=int, help="runs of each fault")
    parser.add_argument("--jobs", type=int, default=3, help="trials at a time, but for those that measure [3]")
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


def _tasks(options: argparse.Namespace) -> Iterator[Task]:
    for name in options.only or [name for name, fault in FAULTS.items() if not fault.short]:
        if name not in FAULTS:
            sys.exit(f"there is no fault {name}; there are {', '.join(FAULTS)}")
        fault = FAULTS[name]
        kind = options.broker if fault.runs_on(options.broker) else "kafka"
        if kind == "kafka" and (reason := missing_program()) is not None:
            print(f"SKIPPED {name}: {reason}; it needs real Kafka: {fault.needs_kafka}", flush=True)
            continue
        for number in range(options.runs or (1 if options.quick else fault.runs)):
            seed = options.seed + number
            yield Task(name, seed, kind, keep=options.keep and options.keep / f"{name}-{seed}")


def _show(result: Result) -> None:
    recovered = f", recovered in {', '.join(f'{s:.1f}' for s in result.recoveries_s)} s" if result.recoveries_s else ""
    state = "FAIL" if result.violations else "ok"
    print(
        f"{state:4} {result.fault:26} {result.broker:9} seed {result.seed}: {result.faults} faults, "
        f"{result.duplicates} repeats, {result.memory_mb:.0f} MB, {result.took_s:.0f} s{recovered}",
        flush=True,
    )
    for violation in result.violations:
        print(f"     {violation[:2000]}", flush=True)


def _show_mutant(result: Result) -> None:
    noticed = ", ".join(_noticed_by(result)) or "NOTHING"
    print(f"mutant {result.mutant:16} {result.fault:22} seed {result.seed}: noticed by {noticed}", flush=True)
    for violation in result.violations[:3]:
        print(f"     {violation[:300]}", flush=True)


def _noticed_by(result: Result) -> list[str]:
    return sorted({violation[0] for violation in result.violations} - {"X"})


def _mutants(options: argparse.Namespace) -> Iterator[Result]:
    with Brokers() as brokers:
        for mutant in options.only or BETRAYED_BY:
            name = BETRAYED_BY[mutant]
            for seed in range(options.seed, options.seed + MUTANT_SEEDS):
                keep = options.keep and options.keep / f"{mutant}-{seed}"
                result = try_one(Task(name, seed, options.broker, mutant, keep), brokers)
                yield result
                if _noticed_by(result):
                    break


def main() -> int:
    """Run what was asked for; 1 if anything was violated (or a mutant lived)."""
    options = _arguments()
    if options.list:
        print("\n".join(f"{fault.number:>2} {name}: {fault.inject.__doc__ or ''}" for name, fault in FAULTS.items()))
        return 0
    output = PARTIAL_OUTPUT if options.only else OUTPUT
    if options.mutants:
        results = collected(output, "mutants", _mutants(options), _show_mutant)
        print(mutants_table([asdict(result) for result in results]))
        noticed = {result.mutant for result in results if _noticed_by(result)}
        return int(noticed != {*(options.only or BETRAYED_BY)})
    results = collected(output, "trials", results_of([*_tasks(options)], options.jobs), _show)
    print(table(summary([asdict(result) for result in results])))
    failed = [result for result in results if result.violations]
    for result in failed:
        print(
            f"again: make faults ARGS='--only {result.fault} --broker {options.broker} --seed {result.seed} --runs 1'"
        )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
