"""``stream console user`` and ``stream console audit``: who may use the console, and what they did."""

import time

import click
import orjson

from stream.cli.directory_at import open_desk
from stream.cli.options import SettingsCommand, with_settings
from stream.directory.desk.account_names import require_name
from stream.errors import SettingsError
from stream.events.times import rfc3339
from stream.settings import Settings

__all__ = ["audit", "user"]

_ROLES = ("viewer", "operator", "admin")


@click.group()
def user() -> None:
    """Say who may use the console: viewers look, operators record actions, admins also see the audit trail."""


@user.command(cls=SettingsCommand)
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), default="operator", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not from the terminal.")
@with_settings("Directory")
def add(settings: Settings, *, name: str, role: str, password_stdin: bool) -> None:
    """Let NAME use the console; asks for a password of at least 12 characters."""
    require_name(name)
    if password_stdin:
        password = click.get_text_stream("stdin").readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    with open_desk(settings) as desk:
        from stream.console.passwords import hash_of
        from stream.directory.desk.accounts import Accounts, Role

        Accounts(desk.engine).add(name, Role(role), hash_of(password), time.time_ns() // 1_000_000)
    click.echo(f"{name} may use the console as {role}", err=True)


@user.command("list", cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_settings("Directory")
def list_users(settings: Settings, *, as_json: bool) -> None:
    """Show who may use the console, and as what."""
    with open_desk(settings) as desk:
        from stream.directory.desk.accounts import Accounts

        accounts = Accounts(desk.engine).all()
    if as_json:
        shown = [{"name": one.name, "role": one.role, "added_at": rfc3339(one.made_ms)} for one in accounts]
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        return
    for one in accounts:
        click.echo(f"{one.name}: {one.role}")


@user.command(cls=SettingsCommand)
@click.argument("name")
@with_settings("Directory")
def remove(settings: Settings, *, name: str) -> None:
    """Let NAME use the console no longer; browsers that are logged in are logged out."""
    with open_desk(settings) as desk:
        from stream.directory.desk.accounts import Accounts

        accounts = Accounts(desk.engine)
        if not accounts.remove(name):
            raise SettingsError(f"there is no user {name!r}")
        is_last = not accounts.has_users()
    click.echo(f"{name} may no longer use the console", err=True)
    # with a provider of accounts there is always a login
    if is_last and not settings.oidc_issuer:
        click.echo("stream: nobody is left: on the loopback interface the console has no login now", err=True)


@click.command(cls=SettingsCommand)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="The newest so many.")
@click.option("--customer", "customer_id", metavar="ID", help="Only what was seen and done about this customer.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
@with_settings("Directory")
def audit(settings: Settings, *, limit: int, customer_id: str | None, as_json: bool) -> None:
    """Show what people saw and did in the console, the newest first. It is kept for a year."""
    with open_desk(settings) as desk:
        from stream.directory.desk.audit_trail import AuditTrail

        for one in AuditTrail(desk.engine, settings.keep_audit_days).newest(limit, customer_id):
            shown = {**one._asdict(), "at": rfc3339(one.at_ms)}
            del shown["at_ms"]
            if as_json:
                click.echo(orjson.dumps(shown))
            else:
                parts = (shown["at"], one.who, one.what, one.customer_id, one.detail)
                click.echo("  ".join(part for part in parts if part))
