"""Write the dashboards: ``python -m deploy.grafana``, from the root of the sources."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.alerts import ALERTS
from deploy.grafana.models import MODELS
from deploy.grafana.overview import OVERVIEW
from deploy.grafana.panels import dashboard
from deploy.grafana.pipeline import PIPELINE

__all__ = ["DIRECTORY", "PAGES", "written"]

PAGES: Final = (OVERVIEW, PIPELINE, MODELS, ALERTS)
DIRECTORY: Final = Path(__file__).with_name("dashboards")


def written() -> Mapping[str, str]:
    """File name -> JSON of each dashboard."""
    encoder = JSONEncoder(indent=2, sort_keys=True)
    return {f"{page.uid.removeprefix('stream-')}.json": encoder.encode(dashboard(page)) + "\n" for page in PAGES}


if __name__ == "__main__":
    for name, text in written().items():
        (DIRECTORY / name).write_text(text, "utf-8")
