"""``python -m tests.faults``: try every fault, check every invariant, write ``build/faults.json``.

On two cores all of it takes 40 to 60 minutes, and ``--quick`` some 15. Faults that the embedded broker can have are
tried on it once, beside all their runs on real Kafka.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.faults.betrayal import BETRAYED_BY, mutant_trials, unable
from tests.faults.campaign import collected, output_of, results_of
from tests.faults.report import mutants_table, summary, table
from tests.faults.schedule import Choice, Skipped, scheduled
from tests.faults.trials import FAULTS, Result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one run of each fault, on real Kafka if there is one")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; the same seed gives the same schedule")
    parser.add_argument(
        "--broker",
        choices=("embedded", "kafka", "durable"),
        help="this one only; results go to a file of its own [both]",
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="this fault, or mutant; may be repeated")
    parser.add_argument(
        "--again", action="store_true", help="put what --only tries into the place of its results in the whole"
    )
    parser.add_argument("--runs", type=int, help="runs of each fault on each broker")
    parser.add_argument("--jobs", type=int, default=3, help="trials at a time, but for those that measure [3]")
    parser.add_argument("--mutants", action="store_true", help="switch guarantees off; each must be noticed")
    parser.add_argument("--keep", type=Path, help="keep logs of workers and servers in this directory")
    parser.add_argument("--list", action="store_true", help="show the names of the faults")
    options = parser.parse_args()
    if options.again and (options.broker or not options.only):
        parser.error("--again goes with --only, and without --broker")
    known = BETRAYED_BY if options.mutants else FAULTS
    for name in options.only or ():
        if name not in known:
            parser.error(f"there is no {name}; there are {', '.join(known)}")
    return options


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
    noticed = ", ".join(result.noticed_by) or "NOTHING"
    print(f"mutant {result.mutant:16} {result.fault:22} seed {result.seed}: noticed by {noticed}", flush=True)
    for violation in result.violations[:3]:
        print(f"     {violation[:300]}", flush=True)


def _show_skipped(name: str, skipped: Skipped) -> None:
    print(f"SKIPPED {name} on {skipped.broker}: {skipped.reason}", flush=True)


def _show_end(began: float, results: Sequence[Result], output: Path) -> None:
    print(f"{len(results)} runs in {(time.monotonic() - began) / 60:.1f} minutes; see {output}")


def _try_mutants(names: Sequence[str], choice: Choice, output: Path, *, again: bool) -> int:
    """Try each mutant; 1 if one lived. What this machine cannot try is no success, but no failure either."""
    began = time.monotonic()
    skipped = unable(names, choice)
    for name, why in skipped.items():
        _show_skipped(f"mutant {name}", why)
    able = [name for name in names if name not in skipped]
    results = collected(output, "mutants", mutant_trials(able, choice), _show_mutant, again=again)
    print(mutants_table([asdict(result) for result in results]))
    _show_end(began, results, output)
    return int({result.mutant for result in results if result.noticed_by} != {*able})


def _try_faults(names: Sequence[str], choice: Choice, output: Path, jobs: int, *, again: bool) -> int:
    """Try each fault; 1 if anything was violated."""
    began = time.monotonic()
    schedule = scheduled([FAULTS[name] for name in names], choice)
    for one in schedule.skipped:
        _show_skipped(one.fault, one)
    results = collected(output, "trials", results_of(schedule.tasks, jobs), _show, schedule.skipped, again=again)
    print(table(summary([asdict(result) for result in results]), [asdict(one) for one in schedule.skipped]))
    _show_end(began, results, output)
    failed = [result for result in results if result.violations]
    for result in failed:
        kind = result.broker.partition(" ")[0]
        print(f"again: make faults ARGS='--only {result.fault} --broker {kind} --seed {result.seed} --runs 1'")
    return int(bool(failed))


def main() -> int:
    """Run what was asked for; 1 if anything was violated (or a mutant lived)."""
    options = _arguments()
    if options.list:
        print("\n".join(f"{fault.number:>2} {name}: {fault.description}" for name, fault in FAULTS.items()))
        return 0
    output = output_of(options.broker, some=bool(options.only) and not options.again)
    choice = Choice(options.seed, options.broker, options.runs, options.quick, options.keep)
    if options.mutants:
        return _try_mutants(options.only or [*BETRAYED_BY], choice, output, again=options.again)
    campaign = [name for name, fault in FAULTS.items() if not fault.short]
    return _try_faults(options.only or campaign, choice, output, options.jobs, again=options.again)


if __name__ == "__main__":
    sys.exit(main())
