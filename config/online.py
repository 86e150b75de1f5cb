"""
`python -m config.online`: refuses a migration that would stop a serving exchange, or break the version that serves.

It reads the SQL that each migration would run, statement by statement: with django-migration-linter's rules, and with
ours for what it does not look for. What was there before the gate is the baseline; what comes after passes, or stands
in `EXCUSED` with the reason. The policy: docs/operations.md, "Migrations". `make check` asks.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

BASELINE = {"agencies": 3, "audit": 8, "consent": 8, "referrals": 14}
"""The newest migration of each room that was there before anybody used the exchange: nothing ran while they did."""

EXCUSED: dict[tuple[str, str], dict[str, str]] = {}
"""What may stand all the same: a migration, the rules it breaks, and why that is safe."""

UNREADABLE = "THIS OPERATION CANNOT BE WRITTEN AS SQL"  # Django's own words
CONNECTION = "owner"
TABLE = r'(?:IF EXISTS )?(?:ONLY )?(?:public\.)?"?(?P<table>\w+)"?'
COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
CREATED = re.compile(rf"^CREATE TABLE (?:IF NOT EXISTS )?{TABLE}", re.IGNORECASE)
VOLATILE = r"(?:gen_random_uuid|uuidv4|uuidv7|random|clock_timestamp|nextval|timeofday)\s*\("


@dataclass(frozen=True, slots=True)
class Rule:
    """What is refused: a code, the statement it is known by, and what to do instead. `table` names what is altered."""

    code: str
    pattern: str
    instead: str

    def breaks(self, statement: str, *, created: set[str]) -> bool:
        """Return whether a statement breaks the rule, on a table that was not made by the same migration."""
        match = re.search(self.pattern, statement, re.IGNORECASE | re.DOTALL)
        if match is None:
            return False
        return match.groupdict().get("table") not in created


_A_COLUMN = r"(?!CONSTRAINT|CHECK|FOREIGN|UNIQUE|PRIMARY|EXCLUDE)"
ALTER = rf"^ALTER TABLE {TABLE} .*?"
RULES = (
    Rule(
        "index-locks",
        rf"^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*?\bON {TABLE}",
        "nobody writes while it is built: AddIndexConcurrently, in a migration with atomic = False",
    ),
    Rule("index-locks", r"^DROP INDEX (?!CONCURRENTLY)", "RemoveIndexConcurrently, in a migration with atomic = False"),
    Rule("index-locks", r"^REINDEX (?!.*CONCURRENTLY)", "REINDEX … CONCURRENTLY"),
    Rule(
        "not-null",
        rf"{ALTER}ADD (?:COLUMN )?{_A_COLUMN}(?!.*\bDEFAULT\b).*?(?<!IS )NOT NULL",
        "the version that serves writes no such column: give it a db_default",
    ),
    Rule(
        "not-null",
        rf"{ALTER}ALTER (?:COLUMN )?\S+ SET NOT NULL",
        "it reads the whole table under a lock: a CHECK … NOT VALID, VALIDATE, and then SET NOT NULL",
    ),
    Rule("default-dropped", rf"{ALTER}DROP DEFAULT", "the version that serves relies on it: db_default keeps it"),
    Rule(
        "rewrites",
        rf"{ALTER}ADD (?:COLUMN )?{_A_COLUMN}"
        rf".*?(?:DEFAULT .*?{VOLATILE}|GENERATED .*?(?:STORED|AS IDENTITY)|\bserial\b)",
        "the whole table is written anew under a lock: add it empty, fill it in batches, and then require it",
    ),
    Rule(
        "rewrites",
        rf"{ALTER}ALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE",
        "a new column beside the old one, filled in batches",
    ),
    Rule("rewrites", r"^(?:VACUUM FULL|CLUSTER)\b", "not in a migration"),
    Rule(
        "constraint-locks",
        rf"{ALTER}ADD (?:CONSTRAINT \S+ )?(?:CHECK|FOREIGN KEY)(?!.*NOT VALID)",
        "NOT VALID first (AddConstraintNotValid), and ValidateConstraint in a migration of its own",
    ),
    Rule(
        "constraint-locks",
        rf"{ALTER}ADD (?:CONSTRAINT \S+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)(?!.*USING INDEX)",
        "a unique index CONCURRENTLY, and then ADD CONSTRAINT … USING INDEX",
    ),
    Rule(
        "breaks-the-old",
        rf"{ALTER}(?:DROP (?:COLUMN )?(?!CONSTRAINT|DEFAULT|NOT NULL|IDENTITY|EXPRESSION)|RENAME (?!CONSTRAINT))",
        "the version that serves still asks for it: stop using it in one release, drop it in the next (EXCUSED)",
    ),
    Rule("breaks-the-old", rf"^DROP TABLE (?:IF EXISTS )?{TABLE}", "as with a column: one release later (EXCUSED)"),
    Rule(
        "all-rows",
        rf"^(?:UPDATE|DELETE FROM) {TABLE}",
        "it locks each row until the migration ends: a command that does it in batches",
    ),
    Rule(
        "unread",
        r"^DO\b.*\b(?:ALTER TABLE|CREATE INDEX|UPDATE|DELETE FROM|DROP)\b",
        "what a block does can't be read here: write it as statements, or say in EXCUSED why it is safe",
    ),
    Rule("all-rows", rf"^(?:TRUNCATE|LOCK)(?: TABLE)? {TABLE}", "not in a migration"),
)


@dataclass(frozen=True, slots=True)
class Unsafe:
    """A migration, the rule that it breaks, the statement's beginning, and what to do instead."""

    migration: str
    code: str
    statement: str
    instead: str

    def __str__(self) -> str:
        """Return it as a line to read."""
        return f"{self.migration}: {self.code}: {self.statement}\n    instead: {self.instead}"


def unsafe(migration: str, sql: str, *, excused: Sequence[str] = ()) -> Iterator[Unsafe]:
    """Return what is unsafe in a migration's SQL, by our rules and then by the linter's."""
    import sqlparse
    from django_migration_linter.sql_analyser.postgresql import PostgresqlAnalyser

    if UNREADABLE in sql and "unread" not in excused:
        yield Unsafe(
            migration, "unread", "RunPython", "a management command, or EXCUSED with what it does to which rows"
        )
    statements = [re.sub(r"\s+", " ", each).strip() for each in sqlparse.split(COMMENT.sub("", sql))]
    created = {match["table"] for each in statements if (match := CREATED.match(each))}
    found = set()
    for statement in statements:
        for rule in RULES:
            if rule.code not in excused and rule.breaks(statement, created=created):
                found.add(statement)
                yield Unsafe(migration, rule.code, statement[:120], rule.instead)
    analyser = PostgresqlAnalyser(exclude_migration_tests=[code.upper().replace("-", "_") for code in excused])
    analyser.analyse([each for each in statements if each not in found and not _of_a_new_table(each, created)])
    for issue in (*analyser.errors, *analyser.warnings):
        code = issue.code.lower().replace("_", "-")
        yield Unsafe(migration, code, issue.message, "docs/operations.md, Migrations")


def _of_a_new_table(statement: str, created: set[str]) -> bool:
    """Return whether a statement is of a table that is made here, or of code: a function locks no table."""
    if re.match(r"^(?:CREATE (?:OR REPLACE )?FUNCTION|DO|COMMENT|GRANT|REVOKE)\b", statement, re.IGNORECASE):
        return True
    match = re.search(rf"(?:TABLE|\bON) {TABLE}", statement, re.IGNORECASE)
    return bool(match and match["table"] in created)


def since_the_baseline() -> Iterator[Unsafe]:
    """Return what is unsafe in the migrations that came after the baseline. Asks a database."""
    from django.core.management import call_command
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader

    for app, name in sorted(MigrationLoader(connections[CONNECTION]).disk_migrations or {}):
        if app not in BASELINE or int(name[:4]) <= BASELINE[app]:
            continue
        said = StringIO()
        call_command("sqlmigrate", app, name, database=CONNECTION, stdout=said, no_color=True)
        yield from unsafe(f"{app}/{name}", said.getvalue(), excused=list(EXCUSED.get((app, name), {})))


def main() -> int:
    """Name what is unsafe; return 0 where nothing is."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    found = list(since_the_baseline())
    for each in found:
        sys.stderr.write(f"{each}\n")
    if found:
        sys.stderr.write(f"{len(found)} statements would stop or break a serving exchange.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
