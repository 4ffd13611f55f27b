"""Customers of alerts, for tests."""


def customers(*numbers: int) -> list[str]:
    return [f"c-{number}" for number in numbers]
