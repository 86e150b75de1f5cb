"""What is sealed opens with its person's key and in its own place alone, through rotations and crashes in them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings as live
from django.core.management import call_command
from pytest_django import Settings

from audit.models import Entry
from config import local_keys
from config.local_keys import Keys
from consent import vault
from consent.errors import KeyDestroyed, Unsealable
from consent.keystore import FileKeyEncryption, FileKeyStore, KeyGone, Wrapped
from consent.models import Subject
from tests.consent.key_service import Died, DyingStore, Interrupted, KeyService
from tests.exchange import SECTIONS, Exchange, referral_body

Meanwhile = Callable[[str, Callable[[], None]], None]
CONTENT = {"name": "Testperson Prøvesen", "cpr": "6101901234"}


@pytest.fixture
def keys(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A folder of keys of this test's own."""
    local_keys.ensure(tmp_path / "keys")
    settings.KEYS = Keys(tmp_path / "keys")
    forget()
    yield tmp_path / "keys"
    forget()


def forget() -> None:
    """Have the vault look its ports up anew, as a process that starts does."""
    vault._keks.cache_clear()
    vault._store.cache_clear()


@pytest.fixture
def subject(keys: Path) -> UUID:
    made = uuid4()
    vault.make_key(made)
    return made


def sealed_for(subject: UUID) -> bytes:
    return vault.seal(CONTENT, subject=subject, belongs_to="r/identity/0")


def opens(sealed: bytes, subject: UUID) -> bool:
    try:
        return vault.unseal(sealed, subject=subject, belongs_to="r/identity/0") == CONTENT
    except Unsealable:
        return False


@pytest.mark.no_database
def test_what_is_sealed_opens_and_shows_nothing_meanwhile(subject: UUID) -> None:
    first, second = sealed_for(subject), sealed_for(subject)
    assert opens(first, subject)
    assert opens(second, subject)
    assert first != second
    for told in ("Testperson", "6101901234"):
        assert told.encode() not in first


@pytest.mark.no_database
def test_moved_or_altered_text_does_not_open(subject: UUID) -> None:
    other = uuid4()
    vault.make_key(other)
    sealed = sealed_for(subject)
    assert not opens(sealed, other)
    for place in ("r/identity/1", "r/reason/0", "q/identity/0", ""):
        with pytest.raises(Unsealable):
            vault.unseal(sealed, subject=subject, belongs_to=place)
    flipped = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in (0, 12, len(sealed) - 1)]
    for altered in (*flipped, sealed[:-1], b""):
        assert not opens(altered, subject)


@pytest.mark.no_database
def test_a_key_laid_in_another_persons_place_opens_nothing(keys: Path, subject: UUID) -> None:
    other, sealed = uuid4(), sealed_for(subject)
    store = FileKeyStore(keys / "subjects")
    store.put(other, store.get(subject))
    with pytest.raises(Unsealable) as refused:
        vault.unseal(sealed, subject=other, belongs_to="r/identity/0")
    assert not isinstance(refused.value, KeyDestroyed)


@pytest.mark.no_database
def test_once_the_key_is_destroyed_nothing_opens_and_nothing_is_sealed(subject: UUID) -> None:
    sealed = sealed_for(subject)
    assert opens(sealed, subject)
    vault.destroy_key(subject)
    with pytest.raises(KeyDestroyed):
        vault.unseal(sealed, subject=subject, belongs_to="r/identity/0")
    with pytest.raises(KeyDestroyed):
        sealed_for(subject)


# --- Rotation ----------------------------------------------------------------------------------------------------


@pytest.fixture
def people(keys: Path) -> dict[UUID, bytes]:
    """Five people, each with something sealed."""
    made = [uuid4() for _ in range(5)]
    for each in made:
        vault.make_key(each)
    return {each: sealed_for(each) for each in made}


def wrapping(keys: Path) -> set[str]:
    store = FileKeyStore(keys / "subjects")
    return {store.get(each).kek for each in store.subjects()}


@pytest.mark.no_database
def test_after_a_rotation_all_opens_and_is_wrapped_under_the_new_key(keys: Path, people: dict[UUID, bytes]) -> None:
    before = {each: FileKeyStore(keys / "subjects").get(each) for each in people}
    assert vault.rotate() == 5
    assert (wrapping(keys), FileKeyEncryption(keys).all()) == ({"2"}, ["1", "2"])
    assert all(opens(sealed, each) for each, sealed in people.items())
    assert vault.retire_older() == 1
    assert FileKeyEncryption(keys).all() == ["2"]
    assert all(opens(sealed, each) for each, sealed in people.items())
    for each, wrapped in before.items():
        with pytest.raises(KeyGone):  # as it lies in an older backup of the folder
            FileKeyEncryption(keys).unwrap(wrapped, bound=f"subject-key/{each}".encode())


@pytest.mark.no_database
@pytest.mark.parametrize("dies_after", range(5))
def test_a_rotation_that_is_killed_on_its_way_leaves_every_key_open_and_is_completed_by_the_next(
    keys: Path, people: dict[UUID, bytes], settings: Settings, monkeypatch: pytest.MonkeyPatch, dies_after: int
) -> None:
    settings.KEY_STORE = "tests.consent.key_service.DyingStore"
    monkeypatch.setattr(DyingStore, "replaced", 0)
    monkeypatch.setattr(DyingStore, "dies_after", dies_after)
    forget()
    with pytest.raises(Died):
        vault.rotate()
    assert wrapping(keys) == ({"1"} if dies_after == 0 else {"1", "2"})
    assert all(opens(sealed, each) for each, sealed in people.items())
    monkeypatch.setattr(DyingStore, "dies_after", None)
    assert vault.retire_older() == 1
    assert wrapping(keys) == {"2"}
    assert all(opens(sealed, each) for each, sealed in people.items())


@pytest.mark.no_database
def test_what_wraps_a_key_is_not_retired_while_it_does(keys: Path, people: dict[UUID, bytes]) -> None:
    """A key that can't be wrapped anew keeps what wraps it: nobody knows yet what is the matter with it."""
    damaged = next(iter(people))
    store = FileKeyStore(keys / "subjects")
    store.put(damaged, Wrapped("1", os.urandom(60)))
    vault.rotate()
    assert vault.retire_older() == 0
    assert FileKeyEncryption(keys).all() == ["1", "2"]


def rotated() -> None:
    vault.rotate()
    vault.retire_older()


@pytest.fixture
def meanwhile(keys: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something happen once, in the middle of the vault's work: right after a call of one of its ports."""
    settings.KEY_ENCRYPTION = "tests.consent.key_service.InterruptedEncryption"
    settings.KEY_STORE = "tests.consent.key_service.InterruptedStore"
    forget()

    def happens(after: str, what: Callable[[], None]) -> None:
        monkeypatch.setattr(Interrupted, "after", {after: what})

    return happens


@pytest.mark.no_database
def test_whoever_reads_while_keys_are_rotated_and_retired_reads_on(
    people: dict[UUID, bytes], meanwhile: Meanwhile
) -> None:
    for each, sealed in people.items():
        meanwhile("get", rotated)
        assert opens(sealed, each)
        assert Interrupted.after == {}


@pytest.mark.no_database
def test_a_key_that_is_made_while_keys_are_rotated_and_retired_opens(keys: Path, meanwhile: Meanwhile) -> None:
    """It was wrapped under what is gone when it is stored, and no rotation has seen it."""
    for moment in ("wrap", "put"):
        made = uuid4()
        meanwhile(moment, rotated)
        vault.make_key(made)
        assert Interrupted.after == {}
        assert opens(sealed_for(made), made)
        assert FileKeyEncryption(keys).all() == [FileKeyEncryption(keys).newest()]


@pytest.mark.no_database
def test_a_key_that_is_destroyed_during_a_rotation_stays_destroyed(
    keys: Path, people: dict[UUID, bytes], meanwhile: Meanwhile
) -> None:

    def destroyed() -> None:
        for each in people:
            vault.destroy_key(each)

    for moment in ("get", "unwrap", "wrap"):
        meanwhile(moment, destroyed)
        vault.rotate()
        assert Interrupted.after == {}
        assert list(FileKeyStore(keys / "subjects").subjects()) == []
        vault.make_key(next(iter(people)))


# --- Through HTTP ------------------------------------------------------------------------------------------------


def test_a_server_goes_on_through_a_rotation_and_each_is_in_the_ledger(keys: Path, exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    first = sender.submit(exchange.centre)
    for options in ({}, {"retire": True}):
        call_command("rotate_keys", **options, verbosity=0)
        assert coordinator.read(first).body["sections"] == SECTIONS
        second = sender.submit(exchange.centre)
        assert coordinator.read(second).body["sections"] == SECTIONS
    entries = Entry.objects.filter(action__startswith="administration.r").order_by("-id")[:2]
    assert [(entry.action, entry.role, entry.detail) for entry in entries] == [
        ("administration.retire_keys", "system", {"keys": "1"}),
        ("administration.rotate_keys", "system", {"keys": "1"}),
    ]


def test_a_key_management_service_takes_the_files_place(
    keys: Path, exchange: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyService, "held", {})
    monkeypatch.setattr(KeyService, "asked", [])
    settings.KEY_ENCRYPTION = "tests.consent.key_service.KeyService"
    forget()
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.submit(exchange.centre)
    assert coordinator.read(referral).body["sections"] == SECTIONS
    assert wrapping(keys) == set(KeyService.held)
    call_command("rotate_keys", verbosity=0)
    call_command("rotate_keys", retire=True, verbosity=0)
    assert (len(KeyService.held), wrapping(keys)) == (1, set(KeyService.held))
    assert coordinator.read(referral).body["sections"] == SECTIONS
    assert {"wrap", "unwrap"} == set(KeyService.asked)


def test_the_key_of_somebody_who_was_never_registered_after_all_does_no_harm(keys: Path, exchange: Exchange) -> None:
    """Keys are outside the database, so a refusal that undoes the person leaves their key; it opens nothing."""
    sender = exchange.municipality.as_("caseworker")
    refused = sender.create(referral_body(exchange.centre, consent={"categories": ["reason"]}))
    assert refused.status == 422
    (orphan,) = FileKeyStore(keys / "subjects").subjects()
    assert not Subject.objects.filter(pk=orphan).exists()
    assert vault.rotate() == 1
    referral = sender.submit(exchange.centre)
    assert exchange.centre.as_("coordinator").read(referral).body["sections"] == SECTIONS
    vault.destroy_key(orphan)


def test_no_key_lies_in_the_database(exchange: Exchange) -> None:
    """Neither a person's nor what wraps it: the settings name the folder, and no table has a place for one."""
    from tests.rules.scan import tables_holding

    exchange.municipality.as_("caseworker").submit(exchange.centre)
    store = FileKeyStore(live.KEYS.folder / "subjects")
    newest = max(store.subjects(), key=str)
    wrapped = store.get(newest)
    key = FileKeyEncryption(live.KEYS.folder).unwrap(wrapped, bound=f"subject-key/{newest}".encode())
    for secret in (key, wrapped.key):
        assert tables_holding(secret.hex()) == []
