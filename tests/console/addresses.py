"""Addresses of pages."""

from typing import Final

__all__ = ["PAGES"]

#: Of the pages that everybody's menu, or an admin's, leads to.
PAGES: Final = (
    "/",
    "/customers",
    "/business",
    "/offers",
    "/models",
    "/whatif",
    "/system",
    "/privacy",
    "/audit",
    "/help",
)
