"""A real Prometheus with the committed configuration, except for the addresses and the scrape interval."""

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from stream.local.server_process import HOST, LocalServer

__all__ = ["DEPLOYED", "Prometheus", "Series"]

DEPLOYED: Final = Path(__file__).parents[2] / "deploy" / "prometheus"
#: Everything is evaluated every second, because a test cannot wait for hours of alerting.
_EVERY: Final = "1s"

Series = dict[str, Any]


class Prometheus(LocalServer):
    """Scrapes ``targets`` (job -> addresses) and evaluates every committed rule."""

    name = "prometheus"

    def __init__(self, program: str, directory: Path, targets: Mapping[str, Sequence[str]]) -> None:
        super().__init__(directory)
        self._program = program
        self._targets = targets

    def command(self) -> list[str]:
        self._configure()
        return [
            self._program,
            f"--config.file={self.directory}/prometheus.yml",
            f"--storage.tsdb.path={self.directory}/series",
            f"--web.listen-address={HOST}:{self.port}",
            "--log.level=warn",
        ]

    def answers(self, timeout_s: float) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/-/ready", timeout=timeout_s) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def instant(self, query: str) -> list[Series]:
        """Evaluate PromQL now. Raises `OSError` with Prometheus' own words for a query that is wrong."""
        result: list[Series] = self._ask("query", query=query)["result"]
        return result

    def range(self, query: str, start_s: float, end_s: float, step_s: float) -> list[Series]:
        """Evaluate PromQL over time."""
        result: list[Series] = self._ask("query_range", query=query, start=start_s, end=end_s, step=step_s)["result"]
        return result

    def rules(self) -> list[Series]:
        """Every rule, with its health and last error."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def targets(self) -> list[Series]:
        """The targets, with health and last error."""
        active: list[Series] = self._ask("targets")["activeTargets"]
        return active

    def _ask(self, what: str, **parameters: object) -> Any:
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/api/v1/{what}?{query}", timeout=60) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise OSError(f"{parameters}: {error.read().decode()}") from error

    def _configure(self) -> None:
        config = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text("utf-8"))
        config["global"] = {"scrape_interval": _EVERY, "evaluation_interval": _EVERY}
        del config["alerting"]
        for job in config["scrape_configs"]:
            del job["dns_sd_configs"]
            job["file_sd_configs"] = [{"files": [f"targets-{job['job_name']}.json"]}]
        for job, addresses in self._targets.items():
            targets = json.dumps([{"targets": list(addresses)}])
            (self.directory / f"targets-{job}.json").write_text(targets, "utf-8")
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
        shutil.rmtree(self.directory / "rules", ignore_errors=True)
        (self.directory / "rules").mkdir()
        for path in sorted((DEPLOYED / "rules").glob("*.yml")):
            rules = yaml.safe_load(path.read_text("utf-8"))
            for group in rules["groups"]:
                group["interval"] = _EVERY
            (self.directory / "rules" / path.name).write_text(yaml.safe_dump(rules), "utf-8")
