-- runs_from: 1
-- Recipients whom the application knows by a name of its own. The log of one has the number
-- -id, which no user has, in place of a user's id.
CREATE TABLE recipients (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    token_version INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX recipients_name ON recipients (lower(name), id);

-- The same table without its reference to users: a log may be a recipient's.
CREATE TABLE logs (
    user_id        INTEGER PRIMARY KEY,
    last_seq       INTEGER NOT NULL DEFAULT 0,
    appended_bytes INTEGER NOT NULL DEFAULT 1125899906842624
) STRICT;
INSERT INTO logs (user_id, last_seq, appended_bytes)
    SELECT user_id, last_seq, appended_bytes FROM inboxes;
DROP TABLE inboxes;
ALTER TABLE logs RENAME TO inboxes;

-- Browsers in which somebody has signed in. What one holds is made of the nonce and a count,
-- and signed.
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL,
    nonce      BLOB    NOT NULL,
    issued     INTEGER NOT NULL DEFAULT 1,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    -- At the latest; and when, unless it is used before.
    expires_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_end ON sessions (ends_at);

-- A change that concerns one session only.
ALTER TABLE user_changes ADD COLUMN session_id INTEGER;

-- Only recipients whose names begin like this; sends a second; and moments.
ALTER TABLE api_keys ADD COLUMN user_prefix TEXT;
ALTER TABLE api_keys ADD COLUMN rate INTEGER;
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;

-- Which key sent it, if one did.
ALTER TABLE notifications ADD COLUMN api_key_id INTEGER;

-- Who did what, when, from where. What happens again and again is one row with a count.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    action     TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    details    TEXT    NOT NULL,
    count      INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    last_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_actor_action ON audit (actor, action, id);
CREATE INDEX audit_last ON audit (last_at);
