"""Turns the bundled logs into exports of shop systems.

    python examples/shop_exports.py FOLDER

writes ``woocommerce-orders.csv`` (Online Retail, as WooCommerce's Advanced Order Export writes it, newest first) and
``shopify-orders.csv`` (The Complete Journey, as Shopify's export of orders), and ``grocery-orders.csv`` (80 households
of it, with a row for each item of a basket), all ready for ``stream import``. The names and e-mail addresses are made
from the customer numbers; example.com belongs to nobody.
"""

import csv
import gzip
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

__all__ = ["grocery_orders", "shopify_orders", "woocommerce_orders", "write"]

HERE: Final = Path(__file__).parent
ONLINE_RETAIL: Final = HERE / "uci_online_retail_events.csv.gz"
COMPLETE_JOURNEY: Final = HERE / "complete_journey_events.csv.gz"
COMPLETE_JOURNEY_ITEMS: Final = HERE / "complete_journey_items.csv.gz"

_FIRST: Final = (
    "Ada",
    "Ben",
    "Cleo",
    "Dan",
    "Eve",
    "Finn",
    "Gina",
    "Hugo",
    "Ines",
    "Jon",
    "Kira",
    "Liam",
    "Mona",
    "Ned",
)
_LAST: Final = (
    "Archer",
    "Baker",
    "Carter",
    "Draper",
    "Fisher",
    "Glover",
    "Hunter",
    "Mason",
    "Porter",
    "Sawyer",
    "Tanner",
)


def _purchases(log: Path) -> Iterator[dict[str, str]]:
    with gzip.open(log, "rt", encoding="utf-8", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["type"] == "purchase")


def _person(customer_id: str) -> tuple[str, str, str]:
    number = int(customer_id)
    return (
        _FIRST[number % len(_FIRST)],
        _LAST[number // len(_FIRST) % len(_LAST)],
        f"customer-{customer_id}@example.com",
    )


def woocommerce_orders(log: Path = ONLINE_RETAIL) -> Iterator[dict[str, str]]:
    """Rows of an export of the orders and returns in ``log``, newest first; a return is a row with a negative total."""
    for row in sorted(_purchases(log), key=lambda row: row["ts"], reverse=True):
        first, last, email = _person(row["customer_id"])
        amount = float(row["amount"])
        yield {
            "Order Number": row["ref_id"],
            "Order Status": "Refunded" if row["subtype"] == "return" else "Completed",
            "Order Date": row["ts"][:16],
            "First Name (Billing)": first,
            "Last Name (Billing)": last,
            "Email (Billing)": email,
            "Country Code (Billing)": "GB",
            "Order Refund Amount": "0.00",
            "Order Total Amount": f"{-abs(amount) if row['subtype'] == 'return' else amount:.2f}",
            "Currency": "GBP",
        }


def shopify_orders(log: Path = COMPLETE_JOURNEY) -> Iterator[dict[str, str]]:
    """Rows of an export of the baskets in ``log``."""
    for row in _purchases(log):
        first, last, email = _person(row["customer_id"])
        at = datetime.fromisoformat(row["ts"])
        yield {
            "Name": f"#{row['ref_id']}",
            "Email": email,
            "Financial Status": "paid",
            "Paid at": f"{at:%Y-%m-%d %H:%M:%S} -0500",
            "Currency": "USD",
            "Total": f"{float(row['amount']):.2f}",
            "Created at": f"{at:%Y-%m-%d %H:%M:%S} -0500",
            "Lineitem quantity": row["quantity"],
            "Lineitem name": "Groceries",
            "Lineitem price": "",
            "Billing Name": f"{first} {last}",
            "Refunded Amount": "0.00",
        }


def grocery_orders(log: Path = COMPLETE_JOURNEY_ITEMS) -> Iterator[dict[str, str]]:
    """Rows of an export of the baskets in ``log``: one for each item; the first of a basket has its total as well."""
    with gzip.open(log, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            first, last, email = _person(row["household_id"])
            at = f"{row['ts']}:00 -0500"
            whole = {"Financial Status": "paid", "Paid at": at, "Currency": "USD", "Total": row["amount"]}
            for number, item in enumerate(row["items"].split("|")):
                yield {
                    "Name": f"#{row['basket_id']}",
                    "Email": email,
                    **(whole if not number else dict.fromkeys(whole, "")),
                    "Created at": at,
                    "Lineitem quantity": "1",
                    "Lineitem name": item,
                    "Lineitem price": "",
                    "Billing Name": f"{first} {last}",
                    "Refunded Amount": "" if number else "0.00",
                }


def write(path: Path, rows: Iterable[dict[str, str]]) -> int:
    """Write ``rows`` as CSV; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, fieldnames=[*row])
                writer.writeheader()
            writer.writerow(row)
            count += 1
    return count


def main() -> None:
    """Write the exports into the folder named on the command line."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the folder
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    exports = {"woocommerce": woocommerce_orders(), "shopify": shopify_orders(), "grocery": grocery_orders()}
    for name, rows in ((f"{name}-orders.csv", rows) for name, rows in exports.items()):
        print(f"{folder / name}: {write(folder / name, rows):,} rows")


if __name__ == "__main__":
    main()
