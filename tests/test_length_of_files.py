"""A file is read as a whole, so it is short; tables may be longer."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_LINES = 300
#: Tables. Remove a name as soon as its file is short.
TABLES = {
    "stream/catalogue/features.py",
    "stream/imports/exports.py",
    "stream/settings.py",
    "tests/adapters/samples_feedback.py",
    "tests/adapters/samples_mail.py",
}


def test_only_tables_are_longer_than_a_file_may_be() -> None:
    sources = [
        path
        for part in ("stream", "tests", "benchmarks", "deploy", "examples")
        for path in ROOT.glob(f"{part}/**/*.py")
    ]
    long = {str(path.relative_to(ROOT)) for path in sources if len(path.read_text("utf-8").splitlines()) > MAX_LINES}
    assert long == TABLES
