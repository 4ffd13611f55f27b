"""The parts of a dashboard: a figure, a graph, and a page of them on a grid of 24 columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model

__all__ = ["COLUMNS", "Figure", "Graph", "Page", "Query", "Variable", "dashboard"]

#: Width of Grafana's grid. A row of the grid is about 38 pixels high.
COLUMNS: Final = 24
_FIGURE_WIDTH: Final = 3
_FIGURE_HEIGHT: Final = 3
_SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
_COLOURS: Final = ("green", "orange", "red")


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and the name of its series in the legend (``{{label}}`` is filled in)."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number, coloured from the first of ``levels`` on in orange, from the second in red.

    ``falling``: bad is low; the levels are then given from good to bad, such as (2, 1).
    """

    title: str
    what: str
    expr: str
    unit: str = "short"
    levels: tuple[float, ...] = ()
    falling: bool = False
    decimals: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Lines over time. ``limit``: where an alert rule fires, drawn as a line. ``stacked``: parts of a whole.

    ``zoomed``: the axis need not begin at 0, because no value comes near it.
    """

    title: str
    what: str
    queries: Sequence[Query]
    unit: str = "short"
    limit: float | None = None
    stacked: bool = False
    zoomed: bool = False
    largest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice at the top of a page, of the values of a label; all of them to begin with.

    "All" is all *known* values: processes without the metric that the query names stay out.
    """

    name: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A dashboard: figures in the first row, graphs below, in reading order."""

    uid: str
    title: str
    what: str
    variables: Sequence[Variable] = ()
    figures: Sequence[Figure] = ()
    graphs: Sequence[Graph] = ()
    graph_height: int = 7
    graph_width: int = 6


def dashboard(page: Page) -> model.Dashboard:
    """Lay the page out."""
    whole = (
        build.Dashboard(page.title)
        .uid(page.uid)
        .description(page.what)
        .tags(["customer-stream"])
        .timezone("browser")
        .refresh("15s")
        .time("now-1h", "now")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(
            build.DashboardLink("Customer stream")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["customer-stream"])
            .as_dropdown(True)
            .keep_time(True)
        )
        .with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in page.variables:
        whole = whole.with_variable(_choice(variable))
    x = y = 0
    panels: list[Figure | Graph] = [*page.figures, *page.graphs]
    for number, panel in enumerate(panels, start=1):
        built: stat.Panel | timeseries.Panel
        if isinstance(panel, Figure):
            built, width, height = _figure(panel), _FIGURE_WIDTH, _FIGURE_HEIGHT
        else:
            built, width, height = _graph(panel), page.graph_width, page.graph_height
        whole = whole.with_panel(built.id(number).grid_pos(model.GridPos(h=height, w=width, x=x, y=y)))
        x += width
        if x >= COLUMNS:
            x, y = 0, y + height
    return whole.build()


def _choice(variable: Variable) -> build.QueryVariable:
    return (
        build.QueryVariable(variable.name)
        .label(variable.name.capitalize())
        .datasource(_SOURCE)
        .query(variable.query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(model.VariableOption(text="All", value="$__all"))
    )


def _query(query: Query, letter: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(letter).datasource(_SOURCE)


def _figure(figure: Figure) -> stat.Panel:
    panel = (
        stat.Panel()
        .title(figure.title)
        .description(figure.what)
        .datasource(_SOURCE)
        .unit(figure.unit)
        .no_value("none")
        .thresholds(_steps(figure.levels, falling=figure.falling))
        .color_mode(options.BigValueColorMode.VALUE)
        .graph_mode(options.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_query(Query(figure.expr, ""), "A"))
    )
    return panel if figure.decimals is None else panel.decimals(figure.decimals)


def _graph(graph: Graph) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(graph.title)
        .description(graph.what)
        .datasource(_SOURCE)
        .unit(graph.unit)
        .line_width(1)
        .fill_opacity(30 if graph.stacked else 5)
        .show_points(options.VisibilityMode.NEVER)
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions()
            .display_mode(options.LegendDisplayMode.LIST)
            .placement(options.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    if not graph.zoomed:
        panel = panel.axis_soft_min(0)
    if graph.stacked:
        panel = panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL))
    if graph.largest is not None:
        panel = panel.max(graph.largest)
    if graph.limit is not None:
        panel = panel.thresholds(_steps((graph.limit,), colours=("transparent", "red"))).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(options.GraphTresholdsStyleMode.LINE)
        )
    for letter, query in zip("ABCDEFGH", graph.queries, strict=False):
        panel = panel.with_target(_query(query, letter))
    return panel


def _steps(
    levels: Sequence[float], *, falling: bool = False, colours: Sequence[str] = _COLOURS
) -> build.ThresholdsConfig:
    """Colours by level, ascending as Grafana wants them; the first has no lower bound."""
    ascending = sorted(levels)
    named = list(colours[: len(levels) + 1])
    if falling:
        named.reverse()
    steps = [model.Threshold(value=None, color=named[0])]
    steps += [model.Threshold(value=level, color=colour) for level, colour in zip(ascending, named[1:], strict=True)]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)
