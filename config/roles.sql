-- The four database roles, and who may connect to this database. Run by a superuser on the exchange's own database:
--     psql --single-transaction -v ON_ERROR_STOP=1 -f config/roles.sql "$SUPERUSER_DATABASE_URL"
-- It can be run again at any time, and puts right what has drifted. It sets no password: where the roles connect over a
-- network, give each its own with \password. What each role may do with a table stands in that table's migration.
--     udvej_owner   owns the database and its tables; connects for migrations only
--     udvej_app     serves requests
--     udvej_sealer  seals the ledger
--     udvej_reader  reads for checking and statistics

DO $roles$
DECLARE
    ours constant text[] := ARRAY['udvej_owner', 'udvej_app', 'udvej_sealer', 'udvej_reader'];
    held record;
    who  text;
BEGIN
    FOREACH who IN ARRAY ours LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = who) THEN
            EXECUTE format('CREATE ROLE %I', who);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS', who
        );
    END LOOP;

    -- No role of ours is a member of any role, so SET ROLE leads nowhere.
    FOR held IN
        SELECT granted.rolname AS granted, member.rolname AS member, grantor.rolname AS grantor
        FROM pg_auth_members AS membership
        JOIN pg_roles AS granted ON granted.oid = membership.roleid
        JOIN pg_roles AS member ON member.oid = membership.member
        JOIN pg_roles AS grantor ON grantor.oid = membership.grantor
        WHERE member.rolname = ANY (ours)
    LOOP
        EXECUTE format('REVOKE %I FROM %I GRANTED BY %I CASCADE', held.granted, held.member, held.grantor);
    END LOOP;

    EXECUTE format('ALTER DATABASE %I OWNER TO udvej_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    FOREACH who IN ARRAY ours LOOP
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), who);
    END LOOP;
END
$roles$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO udvej_owner, udvej_app, udvej_sealer, udvej_reader;
GRANT CREATE ON SCHEMA public TO udvej_owner;
