-- All moments are milliseconds since the epoch, UTC.

CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    username      TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    is_active     INTEGER NOT NULL DEFAULT 1,
    is_superuser  INTEGER NOT NULL DEFAULT 0,
    token_version INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL
) STRICT;

-- One row per user, locked by whoever appends to the user's log.
CREATE TABLE inboxes (
    user_id  INTEGER PRIMARY KEY REFERENCES users (id),
    last_seq INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE notifications (
    id         INTEGER PRIMARY KEY,
    user_id    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    payload    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    acked_at   INTEGER
) STRICT;

CREATE UNIQUE INDEX notifications_place ON notifications (user_id, seq);
CREATE UNIQUE INDEX notifications_key ON notifications (user_id, key);
-- What a connecting device reads, however much else the table holds.
CREATE INDEX notifications_pending ON notifications (user_id, seq) WHERE acked_at IS NULL;
-- What retention looks for.
CREATE INDEX notifications_acked ON notifications (acked_at) WHERE acked_at IS NOT NULL;
CREATE INDEX notifications_expiring ON notifications (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE api_keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    digest     BLOB    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

-- What servers must hear of although another process did it, such as the command line.
CREATE TABLE user_changes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
