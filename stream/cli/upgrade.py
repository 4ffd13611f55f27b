"""``stream upgrade``: in which layout workers write profiles, and ending an upgrade."""

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.settings import Settings

__all__ = ["upgrade"]


@click.command(cls=SettingsCommand)
@click.option("--finish", is_flag=True, help="All workers run this release: write its layout.")
@with_settings("Redis", "Topics")
def upgrade(settings: Settings, *, finish: bool) -> None:
    """Show in which layout workers write customers' profiles, and whether an upgrade is under way.

    Until --finish, workers write what the release before can read: you can go back. After it, a worker of the release
    before ends, with one line, at the next partition that it is to take over. See docs/upgrading.md.
    """
    from stream.features.codec import LAYOUT
    from stream.storage.profile_desk import ProfileDesk

    with ProfileDesk(settings) as desk:
        before = desk.layout_in_use()
        if before is None:
            click.echo(f"no worker has run yet: the first one will write layout {LAYOUT}")
        elif before > LAYOUT:
            raise click.ClickException(
                f"workers write layout {before}, this program knows layouts up to {LAYOUT}: use the newer release"
            )
        elif before == LAYOUT:
            click.echo(f"workers write layout {LAYOUT}: no upgrade is under way")
        elif finish:
            desk.finish_upgrade()
            click.echo(f"workers write layout {LAYOUT} from their next assignment on; there is no way back from now on")
        else:
            click.echo(
                f"workers write layout {before}, which the release before reads, too; when all of them run this "
                "release: stream upgrade --finish"
            )
