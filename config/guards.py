"""
What guards the ledger in the live database, held against what was committed: triggers, functions, constraints, powers.

`guards.json` beside this file is the snapshot of a database as migrated; `manage.py write_guards` writes it anew after
a migration that changes a guard, so that the change is seen in review.
"""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

COMMITTED = Path(__file__).with_name("guards.json")
Snapshot = dict[str, str]
"""What was found, by a name that says what it is; the value changes when it does."""

TRIGGERS = """
    SELECT t.tgname::text, concat(t.tgenabled, pg_get_triggerdef(t.oid))
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
"""
FUNCTIONS = """
    SELECT p.oid::regprocedure::text, concat(p.prosecdef, p.provolatile, p.proconfig, p.prosrc)
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
"""
PRIVILEGES = """
    WITH granted AS (
        SELECT c.relname, NULL AS attname, c.relacl AS acl FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
        UNION ALL
        SELECT c.relname, a.attname, a.attacl FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'public'::regnamespace AND a.attacl IS NOT NULL
        UNION ALL
        SELECT p.proname, '()', coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace
    )
    SELECT concat(e.privilege_type, ' on ', g.relname, '.' || g.attname, ' to ', coalesce(r.rolname, 'all')), 'granted'
    FROM granted g CROSS JOIN LATERAL aclexplode(g.acl) e LEFT JOIN pg_roles r ON r.oid = e.grantee
    WHERE e.grantee = 0 OR r.rolname IN ('udvej_app', 'udvej_sealer', 'udvej_reader')
"""
CONSTRAINTS = """
    SELECT concat('constraint ', k.conname), concat(k.convalidated, pg_get_constraintdef(k.oid))
    FROM pg_constraint k WHERE k.connamespace = 'public'::regnamespace AND k.contype NOT IN ('n', 't')
    UNION ALL
    SELECT concat('rule ', w.rulename, ' on ', c.relname), pg_get_ruledef(w.oid)
    FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT concat('row security on ', relname), 'on' FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relrowsecurity
"""
POWERS = """
    SELECT 'powers of udvej_app', concat(rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls)
    FROM pg_roles WHERE rolname = 'udvej_app'
    UNION ALL
    SELECT concat('powers of ', rolname), 'too many' FROM pg_roles WHERE rolname IN ('udvej_sealer', 'udvej_reader')
        AND (rolsuper OR rolinherit OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
    UNION ALL
    SELECT concat('membership in ', m.roleid::regrole), 'granted' FROM pg_auth_members m
    WHERE m.member::regrole::text IN ('udvej_app', 'udvej_sealer', 'udvej_reader')
    UNION ALL
    SELECT concat(e.privilege_type, ' on parameter ', p.parname), 'granted'
    FROM pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) e
    WHERE e.grantee IN (0, 'udvej_app'::regrole)
    UNION ALL
    SELECT concat(e.privilege_type, ' on the database'), 'granted'
    FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) e
    WHERE d.datname = current_database() AND e.grantee IN (0, 'udvej_app'::regrole)
    UNION ALL
    SELECT concat(e.privilege_type, ' on the schema'), 'granted'
    FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) e
    WHERE n.nspname = 'public' AND e.grantee IN (0, 'udvej_app'::regrole)
"""


_ELEMENT = r"\('(?:[^']|'')*'::character varying\)::text"
RESTORED_LIST = re.compile(rf"\(ARRAY\[({_ELEMENT}(?:, {_ELEMENT})*)\]\)")
RESTORED_ELEMENT = re.compile(r"\(('(?:[^']|'')*'::character varying)\)::text")
"""How PostgreSQL spells a list of texts that came through a dump: it casts each, not the list. It means the same."""


def found(connection: Any) -> Snapshot:
    """Return what guards the database of a connection; five statements."""
    snapshot: Snapshot = {}
    with connection.cursor() as cursor:
        for question in (TRIGGERS, FUNCTIONS, PRIVILEGES, CONSTRAINTS, POWERS):
            cursor.execute(question)
            for name, spelt in cursor.fetchall():
                what = as_migrated(spelt)
                short = what in {"granted"} or len(what) < 16  # noqa: PLR2004 - a digest where the text is long
                snapshot[name] = what if short else hashlib.sha256(what.encode()).hexdigest()[:16]
    return snapshot


def as_migrated(definition: str) -> str:
    """Return a definition as a migration leaves it, where a dump and a restore have spelt its lists otherwise."""

    def spelt(listed: re.Match[str]) -> str:
        elements = RESTORED_ELEMENT.sub(r"\1", listed[1])
        return f"((ARRAY[{elements}])::text[])"

    return RESTORED_LIST.sub(spelt, definition)


def missing(connection: Any) -> list[str]:
    """Return the names of what is missing, altered or too much on the live database; none where it is as committed."""
    live, committed = found(connection), _committed()
    return sorted(name for name in live.keys() | committed.keys() if live.get(name) != committed.get(name))


def write(connection: Any) -> None:
    """Write the snapshot of a freshly migrated database."""
    COMMITTED.write_text(json.dumps(found(connection), indent=1, sort_keys=True) + "\n", encoding="utf-8")


@cache
def _committed() -> Snapshot:
    snapshot: Snapshot = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return snapshot
