"""What a command tells the user at the terminal."""

import click

__all__ = ["say"]


def say(text: str) -> None:
    """One line for the user at the terminal; standard output is for results."""
    click.echo(f"stream: {text}", err=True)
