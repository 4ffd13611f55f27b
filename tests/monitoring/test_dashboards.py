"""The committed dashboards are those of the sources; each fits on one screen and explains itself."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.__main__ import DIRECTORY, written
from deploy.grafana.panels import COLUMNS
from tests.monitoring.queries import DASHBOARDS, DEPLOY

#: Rows of the grid on a screen of 1080 lines, below the browser's and Grafana's own bars.
SCREEN_ROWS = 24
PROVISIONING = DEPLOY / "grafana" / "provisioning"


def load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    return path.stem


def test_the_committed_dashboards_are_current() -> None:
    committed = {path.name: path.read_text("utf-8") for path in DIRECTORY.iterdir()}
    assert committed == written(), "write them anew: python -m deploy.grafana"


@pytest.mark.parametrize("path", DASHBOARDS, ids=name_of)
def test_a_dashboard_is_what_grafanas_types_say(path: Path) -> None:
    page = load(path)
    read_back = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(page)))
    assert read_back == page


@pytest.mark.parametrize("path", DASHBOARDS, ids=name_of)
def test_a_dashboard_fits_on_one_screen_without_overlaps(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in load(path)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert max(x for x, _ in taken) < COLUMNS
    assert max(y for _, y in taken) < SCREEN_ROWS


@pytest.mark.parametrize("path", DASHBOARDS, ids=name_of)
def test_every_panel_has_a_title_of_its_own_a_description_a_unit_and_a_query(path: Path) -> None:
    panels = load(path)["panels"]
    titles = [panel["title"] for panel in panels]
    assert len(set(titles)) == len(titles)
    for panel in panels:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


@pytest.mark.parametrize("path", DASHBOARDS, ids=name_of)
def test_lag_is_never_averaged(path: Path) -> None:
    for panel in load(path)["panels"]:
        for target in panel["targets"]:
            assert "avg" not in target["expr"], panel["title"]


def test_the_provisioned_data_source_and_folder_are_those_that_the_dashboards_name() -> None:
    source = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text("utf-8"))
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "dashboards.yml").read_text("utf-8"))
    assert [entry["type"] for entry in source["datasources"]] == ["prometheus"]
    interval = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))["global"]
    assert source["datasources"][0]["jsonData"]["timeInterval"] == interval["scrape_interval"]
    assert [entry["type"] for entry in provider["providers"]] == ["file"]
