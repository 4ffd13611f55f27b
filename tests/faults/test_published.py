from tests.faults.published import differing


def test_only_what_differs_is_shown() -> None:
    found = {"id": "a", "calm": {"at": "x", "changes": [{"c": 1.0}, {"c": 2.0}]}, "remedy": None, "risk": 0.5}
    wanted = {"id": "a", "calm": {"at": "x", "changes": [{"c": 1.5}]}, "remedy": {"risk": 0.1}, "risk": 0.5}
    assert differing(found, found) == ""
    assert differing(found, wanted) == (
        "calm.changes.0.c: 1.0, wanted 1.5; calm.changes.1: {'c': 2.0}, wanted nothing; "
        "remedy: None, wanted {'risk': 0.1}"
    )


def test_a_field_that_one_side_lacks_is_shown() -> None:
    assert differing({"a": None}, {}) == "a: None, wanted nothing"
    assert differing({}, {"a": None}) == "a: nothing, wanted None"
