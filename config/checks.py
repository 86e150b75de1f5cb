"""
What must hold before the exchange serves, asked of the live database: the ledger's triggers are there and always on,
and the application's role can do no more than it should.

`manage.py check --database default` runs it, `/health/ready` asks again, and gunicorn refuses to start without it.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

TRIGGERS = {
    ("audit_entry", "audit_entry_stamp"),
    ("audit_entry", "audit_entry_queue"),
    ("audit_entry", "audit_entry_append_only"),
    ("auditlog_logentry", "auditlog_logentry_append_only"),
    ("consent_consentevent", "consent_event_append_only"),
    ("consent_consent", "consent_consent_is_followed_not_edited"),
    ("consent_legalbasis", "consent_basis_is_followed_not_edited"),
    ("referrals_section", "referrals_section_only_drafts_change"),
}
"""The triggers that refuse, each of which must be enabled in every mode (ENABLE ALWAYS)."""

FORBIDDEN = {
    ("audit_entry", "UPDATE"),
    ("audit_entry", "DELETE"),
    ("audit_entry", "TRUNCATE"),
    ("audit_pending", "SELECT"),
    ("audit_pending", "INSERT"),
    ("audit_pending", "DELETE"),
    ("auditlog_logentry", "UPDATE"),
    ("auditlog_logentry", "DELETE"),
    ("consent_consentevent", "UPDATE"),
    ("consent_consentevent", "DELETE"),
    ("referrals_section", "SELECT"),
}
"""What the application's role must not be able to do to a whole table."""


def guards_missing(connection: Any) -> list[str]:
    """Return the names of what is missing on the live database; empty where all of it holds. Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND t.tgenabled = 'A'"
        )
        missing = [name for table, name in sorted(TRIGGERS - set(cursor.fetchall()))]
        cursor.execute(
            "SELECT pair.tab, pair.priv FROM unnest(%s::text[], %s::text[]) AS pair(tab, priv) "
            "WHERE has_table_privilege('udvej_app', to_regclass(pair.tab), pair.priv)",
            [[table for table, _ in sorted(FORBIDDEN)], [privilege for _, privilege in sorted(FORBIDDEN)]],
        )
        missing += [f"{privilege} on {table} withheld" for table, privilege in cursor.fetchall()]
    return missing


@register(Tags.database)
def ledger_is_guarded(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Return an error for each guard that the live database lacks; asked for with `--database`."""
    return [
        Error(f"The ledger is not guarded: {name}.", hint="Run: manage.py migrate --database owner", id="udvej.E001")
        for alias in databases or ()
        if alias != "owner"  # that is the connection which is about to make the guards
        for name in guards_missing(connections[alias])
    ]
