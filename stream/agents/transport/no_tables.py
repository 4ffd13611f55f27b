"""Faust's table manager for apps without tables: `ConsumerThread` refuses those that have some."""

from faust.tables import TableManager

__all__ = ["NoTables"]


class NoTables(TableManager):
    """Faust's waits a second for tables to be declared, in which no partition can be assigned."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()
