"""Reads the points of a customer, and publishes what they spend or are given."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Final, Literal

import msgspec

from stream.cli.identity_lookup import customer_of
from stream.cli.publish_one import publish_one
from stream.errors import SettingsError
from stream.events.times import instant
from stream.points.account import PointsAccount
from stream.points.point_records import PointsMovement
from stream.points.points_file import PointsRules, load
from stream.points.statement import PointsStatement, statement_of
from stream.projections.points import Points
from stream.projections.shop_time import shop_zone
from stream.settings import Settings
from stream.storage.person_ids import ids_of_one
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["account_of", "points_if_any", "publish_movement", "rules_of_points", "statement_at"]

_decode: Final = msgspec.json.Decoder(PointsAccount).decode


def rules_of_points(settings: Settings) -> PointsRules:
    """Raises `SettingsError` for a file that is missing or wrong."""
    return load(settings.points_file)


def account_of(desk: ProjectionDesk, customer_id: str) -> tuple[str, PointsAccount | None]:
    """Whose account counts for an id, and what is known of its points; None if nothing is.

    It has what was earned and given under any id of the person. Movements go to the id itself if it has an account, or
    else to the customer to whom it belongs. Raises `StorageError` when Redis fails.
    """
    ids = ids_of_one(desk, customer_id)
    states = desk.states_of(Points.name, Points.version, [(one, one) for one in ids])
    found = {one: _decode(stored) for one, stored in zip(ids, states, strict=True) if stored}
    account: PointsAccount | None = None
    for of_id in found.values():
        if account is None:
            account = of_id
        else:
            account.absorb(of_id)
    return customer_id if customer_id in found else customer_of(desk, customer_id), account


def statement_at(settings: Settings, account: PointsAccount, rules: PointsRules, as_of_ms: int) -> PointsStatement:
    """The points of an account, by the days of the shop's time zone."""
    return statement_of(account, rules, shop_zone(settings), as_of_ms)


def points_if_any(settings: Settings, desk: ProjectionDesk, customer_id: str, as_of_ms: int) -> PointsStatement | None:
    """The points of a customer for their view; None without a points file, or if nothing is known of them."""
    if not Path(settings.points_file).is_file():
        return None
    _, account = account_of(desk, customer_id)
    return None if account is None else statement_at(settings, account, rules_of_points(settings), as_of_ms)


def publish_movement(
    settings: Settings,
    customer_id: str,
    name: Literal["spent", "given"],
    points: int,
    at_ms: int,
    *,
    movement_id: str | None = None,
    note: str | None = None,
) -> PointsMovement:
    """Publish and confirm.

    Raises `SettingsError` for what readers would refuse and for erased people, else as `publish_one`.
    """
    # not for those who only look: what erases takes a second to import
    from stream.cli.not_erased import check_not_erased

    movement = PointsMovement(
        movement_id=movement_id or str(uuid.uuid4()),
        customer_id=customer_id,
        name=name,
        points=points,
        occurred_at=instant(at_ms),
        note=note,
    )
    value = msgspec.json.encode(movement)
    try:
        msgspec.json.decode(value, type=PointsMovement)
    except msgspec.ValidationError as error:
        raise SettingsError(f"this is not a movement of points: {error}") from None
    check_not_erased(settings, customer_id)
    publish_one(settings, settings.points, customer_id.encode(), value, "movement of points")
    return movement
