"""A migration that would stop or break a serving exchange is refused by the gate, and a safe one is not."""

from collections.abc import Callable

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connections, migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from config import online
from config.env import BASE_DIR

TEXT = models.TextField
UNSAFE: dict[str, tuple[str, Callable[[], Operation]]] = {
    "a column that is NOT NULL and has no default in the database": (
        "default-dropped",
        lambda: migrations.AddField("entry", "more", TEXT(default="")),
    ),
    "a plain index on a large table": (
        "index-locks",
        lambda: migrations.AddIndex("entry", models.Index(fields=["action"], name="audit_entry_action_x")),
    ),
    "another type, which rewrites the table": (
        "rewrites",
        lambda: migrations.AlterField("entry", "action", models.IntegerField()),
    ),
    "a default that differs from row to row": (
        "rewrites",
        lambda: migrations.RunSQL("ALTER TABLE audit_entry ADD COLUMN k uuid DEFAULT gen_random_uuid()"),
    ),
    "a column dropped while the old version serves": (
        "breaks-the-old",
        lambda: migrations.RemoveField("entry", "purpose"),
    ),
    "a column renamed": ("breaks-the-old", lambda: migrations.RenameField("entry", "purpose", "aim")),
    "a table dropped": ("breaks-the-old", lambda: migrations.DeleteModel("strength")),
    "a constraint that is checked at once": (
        "constraint-locks",
        lambda: migrations.AddConstraint(
            "entry", models.CheckConstraint(condition=models.Q(action="x"), name="only_x")
        ),
    ),
    "a unique constraint": (
        "constraint-locks",
        lambda: migrations.AddConstraint("entry", models.UniqueConstraint(fields=["action"], name="one_action")),
    ),
    "every row written at once": ("all-rows", lambda: migrations.RunSQL("UPDATE audit_entry SET purpose = ''")),
    "a column that has to be filled": (
        "not-null",
        lambda: migrations.RunSQL("ALTER TABLE audit_entry ALTER COLUMN basis SET NOT NULL"),
    ),
    "an index taken away under a lock": ("index-locks", lambda: migrations.RunSQL("DROP INDEX audit_entry_pkey")),
}
SAFE: dict[str, Callable[[], Operation]] = {
    "a column that may be empty": lambda: migrations.AddField("entry", "more", TEXT(null=True)),
    "one with a default in the database": lambda: migrations.AddField("entry", "more", TEXT(db_default="")),
    "an index built beside the writers": lambda: AddIndexConcurrently(
        "entry", models.Index(fields=["action"], name="audit_entry_action_x")
    ),
    "a constraint for new rows": lambda: migrations.RunSQL(
        "ALTER TABLE audit_entry ADD CONSTRAINT only_x CHECK (action <> '') NOT VALID"
    ),
    "and its validation": lambda: migrations.RunSQL("ALTER TABLE audit_entry VALIDATE CONSTRAINT only_x"),
    "a new table with all that belongs to it": lambda: migrations.CreateModel(
        "notice",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("text", TEXT(db_index=True)),
            ("strength", models.ForeignKey("audit.strength", on_delete=models.PROTECT)),
        ],
        options={"constraints": [models.UniqueConstraint(fields=["text", "strength"], name="one_of_each")]},
    ),
    "a function and its trigger": lambda: migrations.RunSQL(
        """
        CREATE OR REPLACE FUNCTION nothing_null() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- UPDATE audit_entry SET purpose = '';
            IF NEW.purpose IS NOT NULL THEN DELETE FROM audit_pending WHERE false; END IF;
            RETURN NEW;
        END $$;
        GRANT SELECT ON audit_entry TO udvej_reader;
        """
    ),
}


def sql_of(*operations: Operation) -> str:
    """Return what a migration of these operations would run on the ledger's tables."""
    from django.db.migrations.loader import MigrationLoader

    state: ProjectState = MigrationLoader(connections["owner"]).project_state()
    migration = type("Migration", (migrations.Migration,), {"operations": list(operations), "atomic": False})
    with connections["owner"].schema_editor(collect_sql=True, atomic=False) as editor:
        migration("0099_new", "audit").apply(state, editor, collect_sql=True)
    return "\n".join(editor.collected_sql)  # now, with the indexes and foreign keys that come at the end


@pytest.mark.parametrize("what", UNSAFE)
def test_what_would_stop_or_break_a_serving_exchange_is_refused(what: str) -> None:
    code, operation = UNSAFE[what]
    found = list(online.unsafe("audit/0099_new", sql_of(operation())))
    assert code in {each.code for each in found}
    assert all("instead: " in str(each) for each in found)


@pytest.mark.parametrize("what", SAFE)
def test_and_what_would_not_is_let_through(what: str) -> None:
    assert [str(each) for each in online.unsafe("audit/0099_new", sql_of(SAFE[what]()))] == []


def test_a_column_without_any_default_is_refused_as_well() -> None:
    found = online.unsafe("x", "ALTER TABLE audit_entry ADD COLUMN more text NOT NULL")
    assert {each.code for each in found} == {"not-null"}


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("ALTER TABLE IF EXISTS public.audit_entry ALTER basis SET DATA TYPE varchar(9)", "rewrites"),
        ("ALTER TABLE audit_entry ADD more text NOT NULL", "not-null"),
        ("ALTER TABLE ONLY audit_entry ADD CHECK (action <> '')", "constraint-locks"),
        ("ALTER TABLE audit_entry DROP purpose", "breaks-the-old"),
        ("ALTER TABLE audit_entry RENAME purpose TO aim", "breaks-the-old"),
        ("alter table audit_entry\n  add column k bigint generated always as identity", "rewrites"),
        ("DO $$ BEGIN EXECUTE 'UPDATE audit_entry SET purpose = 1'; END $$", "unread"),
        ("CREATE TABLE new (id int); CREATE INDEX a ON new (id); CREATE INDEX b ON audit_entry (at);", "index-locks"),
        ("-- THIS OPERATION CANNOT BE WRITTEN AS SQL", "unread"),
    ],
)
def test_nor_is_it_let_through_in_other_words(sql: str, code: str) -> None:
    assert code in {each.code for each in online.unsafe("x", sql)}


def test_what_only_loosens_is_let_through() -> None:
    for sql in ("DROP CONSTRAINT only_x", "ALTER COLUMN basis DROP NOT NULL", "RENAME CONSTRAINT a TO b"):
        assert list(online.unsafe("x", f"ALTER TABLE audit_entry {sql}")) == []


def test_an_excuse_is_for_its_own_rule_alone() -> None:
    sql = "ALTER TABLE audit_entry DROP COLUMN purpose; UPDATE audit_entry SET purpose = '';"
    assert {each.code for each in online.unsafe("x", sql, excused=["breaks-the-old", "drop-column"])} == {"all-rows"}


def test_the_gate_reads_every_migration_after_the_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an older baseline it finds what was done before anybody used the exchange."""
    assert [str(each) for each in online.since_the_baseline()] == []
    monkeypatch.setattr(online, "BASELINE", {**online.BASELINE, "audit": 6})
    assert {each.migration for each in online.since_the_baseline()} == {
        "audit/0007_search_indexes",
        "audit/0008_rare_and_together",
    }


def test_an_excuse_names_a_migration_that_there_is_and_says_why() -> None:
    from django.db.migrations.loader import MigrationLoader

    there = MigrationLoader(connections["owner"]).disk_migrations
    assert set(online.EXCUSED) <= set(there)
    assert all(len(why) > 20 for rules in online.EXCUSED.values() for why in rules.values())


def test_the_gate_is_among_the_checks() -> None:
    assert "config.with_database -m config.online" in (BASE_DIR / "Makefile").read_text()
