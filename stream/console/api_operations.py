"""What the HTTP API of the console can do: paths, bodies, scopes, and how the audit trail calls it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

from stream.console import api_bodies as bodies
from stream.console import api_feedback_bodies as feedback
from stream.console import api_list_bodies as lists
from stream.directory.desk.api_tokens import Scope

__all__ = ["API", "OPERATIONS", "Operation"]

API: Final = "/api/v1"


class Operation(NamedTuple):
    """``handler``: the method of `Api`; ``body``: what is sent, None for a GET; ``trace``: for the audit trail.

    ``query``: parameters of a GET.
    """

    path: str
    handler: str
    scope: Scope
    body: type[msgspec.Struct] | None
    answer: type[msgspec.Struct]
    status: HTTPStatus
    summary: str
    trace: str
    query: type[msgspec.Struct] | None = None

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


#: Customers and cursors are named in bodies, as addresses are logged on the way.
OPERATIONS: Final = (
    Operation(
        *("/today", "today", Scope.READ, None, lists.TodayAnswer, HTTPStatus.OK),
        *("Whom to contact today, and why", "read today's list", lists.TodayQuery),
    ),
    Operation(
        *("/lists", "lists", Scope.READ, None, lists.ListsAnswer, HTTPStatus.OK),
        *("Lists of customers that people have kept", "read kept lists"),
    ),
    Operation(
        *("/customers/search", "search", Scope.READ, bodies.CustomerSearch, bodies.CustomersAnswer, HTTPStatus.OK),
        *("Customers by what is known of them, a page at a time", "read customers"),
    ),
    Operation(
        *("/customers/lookup", "lookup", Scope.READ, bodies.CustomerLookup, bodies.CustomerAnswer, HTTPStatus.OK),
        *("Everything about one customer", "read a customer"),
    ),
    Operation(
        *("/customers/recommendations", "recommend", Scope.READ, bodies.RecommendationsRequest),
        *(
            bodies.RecommendationsAnswer,
            HTTPStatus.OK,
            "What to offer to one customer, and why",
            "read recommendations",
        ),
    ),
    Operation(
        *("/customers/points", "points", Scope.READ, bodies.PointsRequest, bodies.PointsAnswer, HTTPStatus.OK),
        *("The points of one customer, when they expire, and the tier", "read points"),
    ),
    Operation(
        *("/kpis", "kpis", Scope.READ, None, bodies.KpisAnswer, HTTPStatus.OK),
        *("Figures of the shop by month or week", "read figures", bodies.KpisQuery),
    ),
    Operation(
        *("/feedback", "feedback", Scope.READ, None, feedback.FeedbackAnswer, HTTPStatus.OK),
        *("Satisfaction, NPS, CSAT, CES and who did not answer", "read figures of feedback", feedback.FeedbackQuery),
    ),
    Operation(
        *("/campaigns", "campaigns", Scope.READ, None, bodies.CampaignsAnswer, HTTPStatus.OK),
        *("Campaigns and what followed, the latest first", "read campaigns", bodies.CampaignsQuery),
    ),
    Operation(
        *("/actions", "act", Scope.ACT, bodies.ActionRequest, bodies.RecordedAnswer, HTTPStatus.ACCEPTED),
        *("Record what was done about a customer", "recorded an action"),
    ),
    Operation(
        *("/actions/undo", "undo", Scope.ACT, bodies.UndoRequest, bodies.UndoneAnswer, HTTPStatus.OK),
        *("Take an action or a label back, within a minute", "took an action back"),
    ),
    Operation(
        *("/labels", "label", Scope.ACT, bodies.LabelRequest, bodies.RecordedAnswer, HTTPStatus.ACCEPTED),
        *("Say what a text of a customer is about", "labelled a text"),
    ),
)
