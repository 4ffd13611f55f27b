import pytest

from tests.online_models.component_states import learned, seen


@pytest.fixture(scope="session")
def dump() -> bytes:
    """A checkpoint of all components."""
    return learned(seen(1, 1_200)).dump()
