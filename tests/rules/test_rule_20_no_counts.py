"""Rule 20, as far as it exists: no list anywhere says how many there are."""

from tests.exchange import Exchange

COUNTING = ("total", "count", "number_of", "pages")


def names(value: object) -> set[str]:
    """Return every member name in a JSON value."""
    if isinstance(value, dict):
        return {*value, *(name for inner in value.values() for name in names(inner))}
    if isinstance(value, list):
        return {name for inner in value for name in names(inner)}
    return set()


def test_rule_20_no_list_tells_a_total(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.submit(exchange.centre)
    sender.submit(exchange.centre)
    for who, path in [
        (sender, "referrals?role=sent&limit=1"),
        (coordinator, "referrals?limit=1"),
        (coordinator, f"referrals/{referral}/timeline"),
        (coordinator, f"referrals/{referral}/disclosures"),
        (coordinator, "agencies?limit=1"),
        (coordinator, "code-lists/reasons"),
        (exchange.oversight.as_("auditor"), "audit/entries?limit=1"),
    ]:
        answer = who.get(path, Audit_Case="1")
        assert answer.status == 200, path
        assert set(answer.body) == {"results", "next"}, path
        said = {*names(answer.body), *map(str.lower, answer.headers)}
        assert not {name for name in said for word in COUNTING if word in name}, path
