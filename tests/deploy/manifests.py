"""The Kubernetes manifests as kustomize renders them."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.field import ROOT

__all__ = ["KUBERNETES", "containers", "of_kind", "rendered"]

KUBERNETES = ROOT / "deploy" / "kubernetes"

Manifest = dict[str, Any]


def rendered(directory: Path) -> list[Manifest]:
    """The objects that ``directory`` stands for. Skips the test where there is no kustomize.

    In CI too: Debian has none that is recent enough, and no package index that the project uses carries one.
    """
    if kustomize := shutil.which("kustomize"):
        command = [kustomize, "build"]
    elif kubectl := shutil.which("kubectl"):
        command = [kubectl, "kustomize"]
    else:
        pytest.skip("neither kustomize nor kubectl is on PATH: https://kubectl.docs.kubernetes.io/installation")
    outcome = subprocess.run([*command, str(directory)], capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert not outcome.stderr, outcome.stderr
    return list(yaml.safe_load_all(outcome.stdout))


def of_kind(objects: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    return [found for found in objects if found["kind"] in kinds]


def containers(workload: Manifest) -> list[Manifest]:
    return list(workload["spec"]["template"]["spec"]["containers"])
