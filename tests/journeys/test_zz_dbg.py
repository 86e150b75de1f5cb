from tests.exchange import Exchange, referral_body
def test_x(exchange):
    who = exchange.municipality.as_("caseworker")
    print(who.create(referral_body(exchange.centre), On_Behalf_Of="", Purpose="exit_support"))
    print(who.create(referral_body(exchange.centre), On_Behalf_Of="nobody"))
    assert 0
