"""
A synthetic country to fill a ledger with: the real agencies, and staff, persons, consents and referrals that nobody is.

Made as the superuser, and partly past the triggers of what is not the ledger: only the ledger's own are measured. What
the filling draws from lies in a schema of its own, `bench`, out of the product's way. The draws have a fixed seed.
"""

import psycopg

STAFF = 2_000
ENTRIES_A_REFERRAL = 50
SEED = "SELECT setseed(0.25)"

AGENCIES = """
CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO udvej_app;
-- Municipalities differ in size; a few have hardly anything, and one, the last, nothing at all.
CREATE TABLE bench.agency AS
    SELECT a.id, a.kind, rank, CASE WHEN a.kind = 'exit_centre' THEN 400 WHEN a.kind = 'police_prevention' THEN 30
        WHEN a.kind = 'oversight' OR rank = 98 THEN 0 WHEN rank > 90 THEN 1
        ELSE ceil(1500 / (rank + 4.0))::int END AS tickets
    FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY code) AS rank FROM agencies_agency) a;
CREATE TABLE bench.lot AS
    SELECT a.id AS agency, row_number() OVER (ORDER BY random()) - 1 AS slot
    FROM bench.agency a CROSS JOIN LATERAL generate_series(1, a.tickets) WHERE a.kind <> 'exit_centre';
CREATE UNIQUE INDEX ON bench.lot (slot);
"""

PEOPLE = """
CREATE TABLE bench.staff AS
    SELECT a.id AS agency, a.kind, row_number() OVER (ORDER BY a.kind, a.rank, k) - 1 AS n, k, CASE
        WHEN k = 1 THEN 'auditor' WHEN k = 2 THEN 'coordinator'
        WHEN a.kind = 'exit_centre' THEN 'counsellor' ELSE 'caseworker' END AS role
    FROM (SELECT *, tickets::float / sum(tickets) OVER () AS share FROM bench.agency) a
    CROSS JOIN LATERAL generate_series(1, 3 + round(a.share * %(staff)s * 0.83)::int) k;
ALTER TABLE bench.staff ADD account text, ADD staff_id text;
UPDATE bench.staff SET staff_id = 'st-' || lpad(n::text, 5, '0');
INSERT INTO agencies_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
    date_joined) SELECT '!', false, 'bench:' || staff_id, '', '', '', false, true, now() FROM bench.staff;
INSERT INTO agencies_membership (agency_id, user_id, role_group_id, role, staff_id, active)
    SELECT s.agency, u.id, g.id, s.role, s.staff_id, true FROM bench.staff s
    JOIN agencies_user u ON u.username = 'bench:' || s.staff_id
    JOIN agencies_rolegroup g ON g.agency_id = s.agency AND g.role = s.role;
UPDATE bench.staff s SET account = m.user_id::text FROM agencies_membership m WHERE m.staff_id = s.staff_id;
CREATE UNIQUE INDEX ON bench.staff (n);
ALTER TABLE bench.agency ADD first int, ADD many int;
UPDATE bench.agency a SET first = s.first, many = s.many
    FROM (SELECT agency, min(n) AS first, count(*) AS many FROM bench.staff GROUP BY 1) s WHERE s.agency = a.id;
"""

REFERRALS = """
CREATE TABLE bench.thing AS
    SELECT n, uuidv7() AS referral, uuidv7() AS person, uuidv7() AS consent, from_lot.agency AS sender,
        CASE WHEN drawn.to_centre OR to_lot.agency = from_lot.agency THEN centre.id ELSE to_lot.agency END AS recipient,
        CASE WHEN drawn.ground < 0.8 THEN 'SAMTYKKE-TAVSHED' WHEN drawn.ground < 0.9 THEN 'RPL115-SSP'
            WHEN drawn.ground < 0.97 THEN 'MYNDIGHED-6E' ELSE 'RPL115-KSP' END AS basis
    FROM (SELECT n, floor(random() * (SELECT count(*) FROM bench.lot)) AS from_slot,
        floor(random() * (SELECT count(*) FROM bench.lot)) AS to_slot, random() < 0.7 AS to_centre, random() AS ground
        FROM generate_series(0, %(referrals)s - 1) n) drawn
    JOIN bench.lot from_lot ON from_lot.slot = drawn.from_slot JOIN bench.lot to_lot ON to_lot.slot = drawn.to_slot
    CROSS JOIN (SELECT id FROM bench.agency WHERE kind = 'exit_centre' LIMIT 1) centre;
CREATE UNIQUE INDEX ON bench.thing (n);
INSERT INTO consent_subject (id, mode, registered_by_id, created_at, wish_method, ledger_name)
    SELECT person, 'pseudonymous', sender, now(), '', encode(sha256(person::text::bytea), 'hex') FROM bench.thing;
INSERT INTO consent_consent (id, subject_id, registered_by_id, kind, recipients, purposes, categories, report_back,
    given_by, maturity_assessed, notice_version, notice_language, notice_hash, idempotency_key, body_hash, version,
    registered_at)
    SELECT consent, person, sender, 'CONFIDENTIALITY_WAIVER', ARRAY[recipient], '{exit_support}', '{reason,needs}',
        false, 'subject', false, '1', 'da', '', n::text, '', 1, now() FROM bench.thing;
INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, evidence_hash,
    registered_by_id)
    SELECT consent, 1, 'given', now() - make_interval(hours => CASE WHEN n %% 50 = 0 THEN 48 ELSE 0 END), now(),
        now() + interval '1 year', 'in_person', '', sender FROM bench.thing;
INSERT INTO referrals_referral (id, version, status, status_before, status_when_stopped, sender_id, recipient_id,
    responsible_id, responsible_since, subject_id, external_reference, channel, urgency, basis_id, consent_id,
    necessity_stated, article_9_ground, article_10_ground, cpr_ground, outcome_necessity_stated, home_municipality,
    screening, purpose, reason_code, created_at, updated_at, submitted_at, idempotency_key, body_hash)
    SELECT t.referral, 3, 'in_progress', '', '', t.sender, t.recipient, t.recipient, now(), t.person, '',
        'municipality', 'routine', b.id, CASE WHEN b.consent_kind <> '' THEN t.consent END, true, '', '', '', false, '',
        'cleared', 'exit_support', '', now(), now(), now(), t.n::text, ''
    FROM bench.thing t JOIN consent_legalbasis b ON b.code = t.basis;
CREATE TABLE bench.glass AS SELECT row_number() OVER () - 1 AS n, uuidv7() AS id, t.n AS thing
    FROM bench.thing t WHERE t.n %% 50 = 7;
CREATE UNIQUE INDEX ON bench.glass (n);
ALTER TABLE referrals_breakglass DISABLE TRIGGER referrals_breakglass_alerts_its_owner;
INSERT INTO referrals_breakglass (id, referral_id, agency_id, owner_id, user_id, staff_id, reason_code, explanation,
    categories, opened_at, until, reviewer_staff_id, verdict, idempotency_key, body_hash)
    SELECT g.id, t.referral, t.sender, t.recipient, s.account::bigint, s.staff_id, 'acute_danger', 'x',
        '{reason}', now(), now() + interval '30 minutes', '', '', g.n::text, ''
    FROM bench.glass g JOIN bench.thing t ON t.n = g.thing JOIN bench.agency a ON a.id = t.sender
    JOIN bench.staff s ON s.n = a.first + a.many - 1;
ALTER TABLE referrals_breakglass ENABLE ALWAYS TRIGGER referrals_breakglass_alerts_its_owner;
"""

PAGES = """
-- What a list shows: up to 50 referrals of one agency, next to each other in time.
CREATE TABLE bench.side AS
    SELECT agency, thing, referral, (row_number() OVER (PARTITION BY agency ORDER BY thing) - 1) / 50 AS part FROM (
        SELECT sender AS agency, n AS thing, referral FROM bench.thing
        UNION ALL SELECT recipient, n, referral FROM bench.thing) sides;
CREATE TABLE bench.page AS
    SELECT row_number() OVER () - 1 AS n, agency, part, array_agg(referral ORDER BY thing DESC) AS ids
    FROM bench.side GROUP BY agency, part;
CREATE UNIQUE INDEX ON bench.page (n);
ALTER TABLE bench.thing ADD sent_on bigint, ADD received_on bigint;
UPDATE bench.thing t SET sent_on = p.n FROM bench.side s JOIN bench.page p USING (agency, part)
    WHERE s.agency = t.sender AND s.thing = t.n;
UPDATE bench.thing t SET received_on = p.n FROM bench.side s JOIN bench.page p USING (agency, part)
    WHERE s.agency = t.recipient AND s.thing = t.n;
DROP TABLE bench.side;
GRANT SELECT ON ALL TABLES IN SCHEMA bench TO udvej_app;
"""


def make(superuser: str, *, entries: int) -> int:
    """Make the country that a ledger of so many entries is about; return how many referrals it has."""
    asked = {"staff": STAFF, "referrals": max(entries // ENTRIES_A_REFERRAL, 200)}
    with psycopg.connect(superuser) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(SEED)
        cursor.execute("SET session_replication_role = replica")
        for step in (AGENCIES, PEOPLE, REFERRALS, PAGES):
            cursor.execute(step, asked)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return asked["referrals"]
