"""Where keys lie as files: whole or not at all, readable by their owner alone, and gone when they are destroyed."""

import os
import stat
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from config import local_keys
from consent.keystore import FileKeyEncryption, FileKeyStore, KeyGone, Wrapped

pytestmark = pytest.mark.no_database
KEY = os.urandom(32)


@pytest.fixture
def store(tmp_path: Path) -> FileKeyStore:
    return FileKeyStore(tmp_path / "subjects")


@pytest.fixture
def keks(tmp_path: Path) -> FileKeyEncryption:
    local_keys.ensure(tmp_path / "keys")
    return FileKeyEncryption(tmp_path / "keys")


def test_a_key_is_found_again_by_its_subject_alone(store: FileKeyStore) -> None:
    subject, wrapped = uuid4(), Wrapped("1", KEY)
    store.put(subject, wrapped)
    assert (store.get(subject), list(store.subjects())) == (wrapped, [subject])
    with pytest.raises(KeyGone):
        store.get(uuid4())


def test_a_key_is_readable_by_its_owner_alone(store: FileKeyStore) -> None:
    store.put(uuid4(), Wrapped("1", KEY))
    folders = [store.folder, *(path for path in store.folder.iterdir() if path.is_dir())]
    files = [path for path in store.folder.rglob("*") if path.is_file() and path.name != ".lock"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_destroyed_key_is_gone_and_destroying_it_again_is_no_error(store: FileKeyStore) -> None:
    subject = uuid4()
    store.put(subject, Wrapped("1", KEY))
    for _ in range(2):
        store.destroy(subject)
        with pytest.raises(KeyGone):
            store.get(subject)
    assert list(store.subjects()) == []
    store.destroy(uuid4())


def test_a_destroyed_key_does_not_come_back_by_being_wrapped_anew(store: FileKeyStore) -> None:
    """As it would if an erasure came between a rotation's reading and its writing."""
    subject, old, new = uuid4(), Wrapped("1", KEY), Wrapped("2", KEY)
    store.put(subject, old)
    assert store.replace(subject, old, new)
    assert not store.replace(subject, old, Wrapped("3", KEY))
    assert store.get(subject) == new
    store.destroy(subject)
    assert not store.replace(subject, new, Wrapped("3", KEY))
    with pytest.raises(KeyGone):
        store.get(subject)


def test_what_a_crash_left_half_written_is_nobodys_key(store: FileKeyStore) -> None:
    subject = UUID("019a9e6d-2b1a-7c11-9a3e-1b2c3d4e5f61")
    store.put(subject, Wrapped("1", KEY))
    folder = store.folder / "61"
    (folder / f".{subject}.4711.abcdef01").write_text('{"kek": "1", "ke')
    (folder / f".{uuid4()}.4711.abcdef02").write_text("")
    assert (list(store.subjects()), store.get(subject).kek) == ([subject], "1")


def test_the_newest_key_encryption_key_is_the_one_of_the_highest_number(keks: FileKeyEncryption) -> None:
    assert (keks.newest(), keks.all()) == ("1", ["1"])
    for number in range(2, 12):
        assert keks.renew() == str(number)
    assert (keks.newest(), keks.wrap(KEY, bound=b"a").kek) == ("11", "11")
    for name in (".vault-kek-99", "vault-kek-99.bak", "vault-kek-", "vault-kek-x"):
        (keks.folder / name).write_text("00")
    assert keks.newest() == "11"


def test_without_any_the_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="vault-kek-1"):
        FileKeyEncryption(tmp_path).newest()


def test_a_wrapped_key_opens_for_what_it_is_bound_to_and_under_its_own_key_alone(keks: FileKeyEncryption) -> None:
    first = keks.wrap(KEY, bound=b"one")
    assert keks.unwrap(first, bound=b"one") == KEY
    assert KEY not in first.key
    keks.renew()
    assert keks.unwrap(first, bound=b"one") == KEY
    for wrapped, bound in [
        (first, b"two"),
        (Wrapped("2", first.key), b"one"),
        (Wrapped("7", first.key), b"one"),
        (Wrapped("1", first.key[:-1]), b"one"),
        (Wrapped("1", b""), b"one"),
        (Wrapped("1", bytes([first.key[0] ^ 1]) + first.key[1:]), b"one"),
    ]:
        with pytest.raises(KeyGone):
            keks.unwrap(wrapped, bound=bound)


def test_a_retired_one_opens_nothing_and_the_newest_is_not_retired(keks: FileKeyEncryption) -> None:
    wrapped = keks.wrap(KEY, bound=b"one")
    with pytest.raises(ValueError, match="in use"):
        keks.retire("1")
    keks.renew()
    keks.retire("1")
    assert keks.all() == ["2"]
    with pytest.raises(KeyGone):
        keks.unwrap(wrapped, bound=b"one")
