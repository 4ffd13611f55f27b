"""Options of `stream recommend`: what does nothing for what is asked is refused, and rules are as many as asked for."""

import pytest
from click.testing import CliRunner

from stream.cli.recommend import recommend
from stream.cli.recommendations_view import first_rules
from stream.recommending.association_rules import AssociationRule, AssociationRules


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["c-1", "--days", "7"], "--days does nothing here: it is how soon, for --rules"),
        (["--record", "--days", "30"], "--days does nothing here"),
        (["--record", "--limit", "5"], "--limit does nothing here"),
        (["--rules", "--without", "tea"], "--without does nothing here"),
        (["c-1", "--rules"], "expected the ID of a customer, --rules, or --record"),
    ],
)
def test_what_would_be_ignored_is_refused(arguments: list[str], refused: str) -> None:
    # looked at before anything is connected to
    found = CliRunner().invoke(recommend, arguments, env={"STREAM_REDIS_URL": "redis://127.0.0.1:1/0"})
    assert found.exit_code == 2
    assert refused in " ".join(found.output.split())


def test_the_first_rules_keep_what_is_said_of_all() -> None:
    rules = tuple(AssociationRule("tea", name, 20, 40, 0.1, 0.5, 3.0, 1e-6) for name in ("honey", "milk", "salt"))
    found = first_rules(AssociationRules(rules, tested=90, customers=200, days=30), 2)
    assert [rule.follower for rule in found.rules] == ["honey", "milk"]
    assert (found.tested, found.customers, found.days) == (90, 200, 30)
