"""Files for tests."""

HEADER = "Order number,Order date,Customer email,Total"


LINES = (
    "1001,2024-03-01 10:00,ann@example.com,19.90",
    "1002,2024-03-05 11:30,bo@example.com,5.00",
    "1003,2024-04-01 12:00,ann@example.com,1250.00",
)
