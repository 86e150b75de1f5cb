"""Which witnesses make a quorum: the specification's example, what a policy may say, and every text it may not."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.notes import COSIGNATURE, ED25519, VerifierKey
from audit.quorum import NO_WITNESSES, Policy, PolicyError

pytestmark = pytest.mark.no_database


def vkey(name: str, *, kind: int = COSIGNATURE, seed: str | None = None) -> VerifierKey:
    return VerifierKey(f"{name}.example", kind, (seed or name).encode().ljust(32, b"."))


NAMES = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
KEYS = {name: vkey(name) for name in NAMES}
LOG = vkey("log", kind=ED25519)
EXAMPLE = f"""log {LOG}

witness X1 {KEYS["X1"]}
witness X2 {KEYS["X2"]}
witness X3 {KEYS["X3"]}
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS["Y1"]}
witness Y2 {KEYS["Y2"]}
witness Y3 {KEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def three(*lines: str) -> str:
    """Three witnesses and the lines given."""
    return "".join(f"{line}\n" for line in [*(f"witness {name} {KEYS[name]}" for name in NAMES[:3]), *lines])


def test_the_specifications_example_asks_for_two_of_three_and_one_of_three() -> None:
    policy = Policy.parse(EXAMPLE)
    assert [(log.key, log.url) for log in policy.logs] == [(LOG, None)]
    assert [(each.name, each.key, each.url) for each in policy.witnesses] == [(n, KEYS[n], None) for n in NAMES]
    for count in range(7):
        for chosen in combinations(NAMES, count):
            enough = sum(name[0] == "X" for name in chosen) >= 2 and any(name[0] == "Y" for name in chosen)
            assert policy.satisfied_by({KEYS[name] for name in chosen}) is enough, chosen


@pytest.mark.parametrize(
    ("lines", "enough", "too_few"),
    [
        (["quorum X2"], ["X2"], ["X1", "X3"]),
        (["group G any X1 X2 X3", "quorum G"], ["X3"], []),
        (["group G all X1 X2 X3", "quorum G"], ["X1", "X2", "X3"], ["X1", "X3"]),
        (["group G 1 X1 X2 X3", "quorum G"], ["X1"], []),
        (["group G 3 X1 X2 X3", "quorum G"], ["X1", "X2", "X3"], ["X2", "X3"]),
        (["group G 2 X1 X2", "quorum X3"], ["X3"], ["X1", "X2"]),
        (["group G all X1 X2", "quorum X1"], ["X1"], ["X2"]),
        (["group all all X1", "group any any all X2", "quorum any"], ["X2"], ["X3"]),
        (["group G all X1", "group H all G X2", "group I 1 H", "quorum I"], ["X1", "X2"], ["X1", "X3"]),
    ],
)
def test_a_quorum_is_a_witness_or_a_group(lines: list[str], enough: list[str], too_few: list[str]) -> None:
    policy = Policy.parse(three(*lines))
    assert policy.satisfied_by({KEYS[name] for name in enough})
    assert not policy.satisfied_by({KEYS[name] for name in too_few})


def test_without_a_quorum_nobody_is_asked_for() -> None:
    assert NO_WITNESSES.satisfied_by(set())
    assert (NO_WITNESSES.logs, NO_WITNESSES.witnesses) == ((), ())
    assert Policy.parse(three("quorum none")).satisfied_by(set())


def test_a_key_that_differs_in_name_or_type_is_not_the_witness() -> None:
    policy = Policy.parse(three("quorum X1"))
    same = KEYS["X1"].public
    for other in (VerifierKey("else.example", COSIGNATURE, same), VerifierKey("X1.example", ED25519, same)):
        assert not policy.satisfied_by({other})


def test_blanks_comments_addresses_and_order_are_as_specified() -> None:
    policy = Policy.parse(
        f"# one\n\t # two, with æøå\n \t\n  witness\t X1 \t{KEYS['X1']}  https://x1.example/w \t\n\n"
        f"quorum X1\nwitness X2 {KEYS['X2']}\nlog {LOG} https://log.example/\n"
    )
    assert [(each.name, each.url) for each in policy.witnesses] == [("X1", "https://x1.example/w"), ("X2", None)]
    assert policy.logs[0].url == "https://log.example/"
    assert policy.by_key[KEYS["X2"]].name == "X2"


@pytest.mark.parametrize(
    "name", ["København", "\u212a", "a\u00a0b", "a\u0085b", "a\u2028b", "#1", "2", "quorum", "none2", "+", "~"]
)
def test_a_name_is_any_octets_but_blanks(name: str) -> None:
    policy = Policy.parse(f"witness {name} {KEYS['X1']}\nwitness K {KEYS['X2']}\nquorum {name}\n")
    assert policy.satisfied_by({KEYS["X1"]})
    assert not policy.satisfied_by({KEYS["X2"]})


def test_octets_that_are_no_utf8_are_names_all_the_same() -> None:
    text = f"witness \xff {KEYS['X1']}\nwitness \xfe {KEYS['X2']}\nquorum \xfe\n".encode("latin-1")
    policy = Policy.parse(text)
    assert policy.satisfied_by({KEYS["X2"]})
    assert not policy.satisfied_by({KEYS["X1"]})
    assert Policy.parse(text.decode("utf-8", "surrogateescape")) == policy


def test_thirty_two_of_each_are_no_trouble_and_a_thousand_nested_groups_neither() -> None:
    logs = [f"log {vkey(f'log{number}', kind=ED25519)}" for number in range(32)]
    witnesses = [f"witness w{number} {vkey(f'w{number}')}" for number in range(32)]
    groups = ["group g0 all w0", *(f"group g{number} all g{number - 1}" for number in range(1, 1000))]
    policy = Policy.parse("\n".join([*logs, *witnesses, *groups, "quorum g999", ""]))
    assert policy.satisfied_by({vkey("w0")})
    assert not policy.satisfied_by({vkey("w1")})


X1, X2 = KEYS["X1"], KEYS["X2"]
REFUSED = {
    "no quorum": three(),
    "nothing": "",
    "two quorums": three("quorum X1", "quorum X1"),
    "none and one": three("quorum none", "quorum X1"),
    "the last line is not ended": three() + "quorum X1",
    "a quorum defined nowhere": three("quorum X4"),
    "a quorum defined later": f"quorum X1\nwitness X1 {X1}\n",
    "a quorum by the key's name": three("quorum X1.example"),
    "a quorum of two": three("quorum X1 X2"),
    "a quorum of nobody": three("quorum"),
    "a comment behind a line": three("quorum X1 # the first"),
    "another letter": three("Quorum X1"),
    "an unknown line": three("witnesses 2", "quorum X1"),
    "a duplicate witness": f"witness a {X1}\nwitness b {X1}\nquorum a\n",
    "a duplicate witness under another key name": f"witness a {X1}\nwitness b {vkey('Z', seed='X1')}\nquorum a\n",
    "a duplicate log": f"log {LOG}\nlog {vkey('log2', kind=ED25519, seed='log')}\nquorum none\n",
    "a witness named twice": f"witness a {X1}\nwitness a {X2}\nquorum a\n",
    "a group named as a witness": three("group X1 any X2", "quorum X1"),
    "a group named twice": three("group G any X1", "group G any X2", "quorum G"),
    "a witness named none": f"witness none {X1}\nquorum none\n",
    "a group named none": three("group none any X1", "quorum none"),
    "none as a member": three("group G any none X1", "quorum G"),
    "a member twice in a group": three("group G 2 X1 X1", "quorum G"),
    "a member of two groups": three("group G any X1", "group H any X1 X2", "quorum H"),
    "a member defined later": f"group G any X1\nwitness X1 {X1}\nquorum G\n",
    "a group of itself": three("group G any G", "quorum G"),
    "a group of nobody": three("group G all", "quorum X1"),
    "a threshold of none": three("group G 0 X1 X2", "quorum G"),
    "a threshold above all": three("group G 3 X1 X2", "quorum G"),
    "a threshold below none": three("group G -1 X1 X2", "quorum G"),
    "a threshold with a sign": three("group G +1 X1 X2", "quorum G"),
    "a threshold in hexadecimal": three("group G 0x1 X1 X2", "quorum G"),
    "a threshold in Arabic digits": three("group G ١ X1 X2", "quorum G"),
    "a threshold of a million digits": three(f"group G {'9' * 1_000_000} X1", "quorum G"),
    "a threshold in words": three("group G most X1 X2", "quorum G"),
    "a group without a threshold": three("group G X1 X2", "quorum G"),
    "no key": "witness X1\nquorum X1\n",
    "a witness of a log's key": f"witness X1 {LOG}\nquorum X1\n",
    "a log of a witness's key": f"log {X1}\nquorum none\n",
    "a broken key": three().replace(X1.id.hex(), "00000000") + "quorum X1\n",
    "too much behind a witness": f"witness X1 {X1} https://a.example/ more\nquorum X1\n",
    "too much behind a log": f"log {LOG} https://a.example/ more\nquorum none\n",
    "carriage returns": three("quorum X1").replace("\n", "\r\n"),
    "a form feed": three("quorum\fX1"),
    "a zero byte in a comment": three("# \0", "quorum X1"),
    "a delete character": three("# \x7f", "quorum X1"),
    "a no-break space for a blank": three("quorum\u00a0X1"),
    "a byte order mark": "\ufeffquorum none\n",
    "half a surrogate pair": three("# \ud83d", "quorum X1"),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_a_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        Policy.parse(text)


def test_a_refusal_names_the_line() -> None:
    with pytest.raises(PolicyError, match="line 4 of the policy: the quorum is not defined before it"):
        Policy.parse(three("quorum X4"))


WORDS = st.sampled_from(
    [*NAMES, *map(str, KEYS.values()), str(LOG), "log", "witness", "group", "quorum", "none", "all"]
)


@given(st.lists(st.lists(WORDS | st.text(max_size=3), max_size=6).map(" ".join)).map("\n".join), st.binary())
def test_no_text_breaks_the_reading(text: str, octets: bytes) -> None:
    for given_ in (text, text + "\n", octets, octets + b"\n"):
        try:
            policy = Policy.parse(given_)
        except PolicyError:
            continue
        assert policy.satisfied_by({witness.key for witness in policy.witnesses})
