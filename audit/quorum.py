"""
Which witnesses have to have cosigned before a checkpoint is called final: C2SP's policy file, read and applied.

Specified by c2sp.org/tlog-policy. Pure: it fetches no file, asks no witness and verifies no signature.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from audit.notes import COSIGNATURE, ED25519, NoteError, VerifierKey

NOT_ALLOWED = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
ITEM = re.compile(r"[^ \t]+")
"""Items are parted by spaces and tabs only: other blanks of Unicode are octets like any other."""

THRESHOLD = re.compile(r"[1-9][0-9]{0,8}")
NONE = "none"


class PolicyError(ValueError):
    """A text is not a policy; the sentence names the line and says why."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints count: its key, whose name is the log's origin, and where it is, if that is said."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its name within the policy, its key, and its submission prefix, if that is said."""

    name: str
    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """A group: it has witnessed where `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The logs and witnesses known, and the quorum: the name of a witness or a group, or none."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str | None

    def satisfied_by(self, cosigners: Collection[VerifierKey]) -> bool:
        """Return whether these keys, whose cosignatures of one checkpoint were verified, make the quorum."""
        if self.quorum is None:
            return True
        have = {witness.name for witness in self.witnesses if witness.key in cosigners}
        for group in self.groups:  # each comes behind its members
            if len(have.intersection(group.members)) >= group.threshold:
                have.add(group.name)
        return self.quorum in have

    @property
    def by_key(self) -> Mapping[VerifierKey, Witness]:
        """The witnesses by their keys."""
        return MappingProxyType({witness.key: witness for witness in self.witnesses})

    @classmethod
    def parse(cls, text: str | bytes) -> "Policy":
        """
        Return the policy that a text holds. Raises `PolicyError`.

        Octets that are no UTF-8 are taken as they are, as the specification asks; a key's name can't hold them.
        """
        reading = _Reading()
        try:
            octets = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        except UnicodeError as error:
            raise PolicyError("a policy can be written as octets") from error
        *lines, rest = octets.split(b"\n")
        for number, line in enumerate(lines, start=1):
            try:
                reading.read(line)
            except (PolicyError, NoteError) as error:
                raise PolicyError(f"line {number} of the policy: {error}") from error
        if rest:
            raise PolicyError("the last line of the policy is not ended: the text may be cut short")
        if not reading.quorums:
            raise PolicyError("a policy has a quorum line")
        quorum = reading.quorums[0]
        found = tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups)
        return cls(*found, None if quorum == NONE else quorum)


class _Reading:
    """A policy as far as it has been read. It only grows, so that a line can only refer to those before it."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorums: list[str] = []
        self.names: set[str] = set()
        self.members: set[str] = set()

    def read(self, octets: bytes) -> None:
        """Take in one line."""
        if NOT_ALLOWED.search(octets):
            raise PolicyError("it holds a control character")
        items = ITEM.findall(octets.decode("utf-8", "surrogateescape"))
        match items:
            case []:
                pass
            case [first, *_] if first.startswith("#"):
                pass
            case ["log", vkey]:
                self._log(vkey, None)
            case ["log", vkey, url]:
                self._log(vkey, url)
            case ["witness", name, vkey]:
                self._witness(name, vkey, None)
            case ["witness", name, vkey, url]:
                self._witness(name, vkey, url)
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, tuple(members))
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise PolicyError("it says none of: log, witness, group, quorum, in the form that each has")

    def _log(self, vkey: str, url: str | None) -> None:
        key = VerifierKey.parse(vkey)
        if key.kind != ED25519:
            raise PolicyError("a log signs with a key of type 1")
        if any(key.public == each.key.public for each in self.logs):
            raise PolicyError("a log of this key stands there already")
        self.logs.append(Log(key, url))

    def _witness(self, name: str, vkey: str, url: str | None) -> None:
        key = VerifierKey.parse(vkey)
        if key.kind != COSIGNATURE:
            raise PolicyError("a witness cosigns with a key of type 4")
        if any(key.public == each.key.public for each in self.witnesses):
            raise PolicyError("a witness of this key stands there already")
        self._define(name)
        self.witnesses.append(Witness(name, key, url))

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        for member in members:
            if member not in self.names:
                raise PolicyError("a member of the group is not defined before it")
            if member in self.members:
                raise PolicyError("a member stands in a group already, and may stand in one only, once")
            self.members.add(member)
        needed = {"any": 1, "all": len(members)}.get(threshold)
        if needed is None:
            needed = int(threshold) if THRESHOLD.fullmatch(threshold) else 0
        if not 1 <= needed <= len(members):
            raise PolicyError("a group asks for all, any, or a number of its members, from 1 up to all of them")
        self._define(name)
        self.groups.append(Group(name, needed, members))

    def _quorum(self, name: str) -> None:
        if self.quorums:
            raise PolicyError("a policy has one quorum line only")
        if name != NONE and name not in self.names:
            raise PolicyError("the quorum is not defined before it")
        self.quorums.append(name)

    def _define(self, name: str) -> None:
        if name == NONE:
            raise PolicyError("the name none means that nobody is asked for")
        if name in self.names:
            raise PolicyError("the name is taken")
        self.names.add(name)


NO_WITNESSES = Policy.parse("quorum none\n")
"""Every checkpoint is final as it is signed."""
