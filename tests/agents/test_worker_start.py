"""What a worker imports before it has partitions: its restart is the standstill of its partitions."""

import subprocess
import sys


def test_a_worker_starts_without_river() -> None:
    """River, with pandas and SciPy's distributions, takes a second and 100 MB: only a trainer needs it."""
    program = "import sys, stream.agents.worker; print(*(name for name in sys.modules if '.' not in name))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    imported = run.stdout.split()

    assert "stream" in imported
    assert not {"pandas", "sklearn"} & set(imported)


def test_a_trainer_loads_what_it_uses_of_river_alone() -> None:
    """The packages around River's classes would bring pandas and scikit-learn along, where they are installed."""
    program = (
        "import sys, stream.agents.worker, stream.online_models.learner, stream.online_models.purchase_fit;"
        "print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    imported = set(run.stdout.split())

    assert {"river.cluster.k_means", "river.drift.adwin", "river.linear_model.lin_reg"} <= imported
    assert "scipy.optimize._lbfgsb_py" in imported
    assert not {"pandas", "sklearn", "scipy.stats", "scipy.optimize._minimize"} & imported
