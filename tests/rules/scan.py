"""Looks for a value in every column of every table, as the database's owner."""

from django.db import connections

TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"


def tables_holding(value: str) -> list[str]:
    """Return the tables in which a row holds this text, plain or as bytes."""
    found = []
    with connections["owner"].cursor() as cursor:
        cursor.execute(TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT 1 FROM {table} t WHERE strpos(t::text, %s) > 0 OR strpos(t::text, %s) > 0 LIMIT 1",
                [value, value.encode().hex()],
            )
            if cursor.fetchone():
                found.append(table)
    return sorted(found)
