"""``stream console``: pages for the owner."""

from ipaddress import ip_address

import click

from stream.cli.console_tokens import token
from stream.cli.console_users import audit, user
from stream.cli.options import SettingsGroup, with_settings
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["console"]


@click.group(cls=SettingsGroup, invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="IP address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="0: any free port.")
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="Another name under which browsers ask, over TLS.",
)
@with_settings(
    "Directory",
    "Login",
    "Redis",
    "Kafka",
    "Topics",
    "Labels",
    "Alerts",
    "Events",
    "Shop",
    "Notifications",
    "Privacy",
    "Metrics",
    "Logging",
)
def console(settings: Settings, *, host: str, port: int, names: tuple[str, ...]) -> None:
    """Show pages in the browser, until told to stop: today, customers, business, models, system.

    They are read from the directory, which `stream directory run` keeps; today's list is that of `stream today`. What
    people record of customers can be undone for a minute; then it is published as by `stream actions record`.

    Without users there is no login, and only programs of this machine reach the pages. With users (`stream console user
    add`) everybody logs in, and with `oidc_issuer` with an account of that provider. Put a proxy with TLS before it for
    other machines.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    is_local = _is_loopback(host)
    from stream.cli.logs import configure_logging

    configure_logging(settings)
    try:
        from stream.cli.console_process import run_console
        from stream.console.application import Address
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[console]'") from error
    run_console(settings, Address(host, port), names, is_local=is_local)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        raise SettingsError(f"--host {host}: expected an IP address") from None


console.add_command(user)
console.add_command(audit)
console.add_command(token)
