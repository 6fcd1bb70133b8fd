-- runs_from: 1
-- What a notification may say of itself, and where it stands: all moments, or nothing. The
-- version is that of its last change of state; 0 if there was none.
ALTER TABLE notifications ADD COLUMN category TEXT;
ALTER TABLE notifications ADD COLUMN priority TEXT;
ALTER TABLE notifications ADD COLUMN collapse_key TEXT;
ALTER TABLE notifications ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN seen_at INTEGER;
ALTER TABLE notifications ADD COLUMN read_at INTEGER;
ALTER TABLE notifications ADD COLUMN archived_at INTEGER;
ALTER TABLE notifications ADD COLUMN snoozed_until INTEGER;
ALTER TABLE notifications ADD COLUMN withdrawn_at INTEGER;

-- The number of the last change of state.
ALTER TABLE inboxes ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- The changes of the last days: of keys, or of all up to a place in the log.
CREATE TABLE inbox_changes (
    user_id       INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    verb          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    up_to         INTEGER,
    category      TEXT,
    snoozed_until INTEGER,
    -- The change that this one undoes.
    undoes        INTEGER,
    -- What keys were before, as JSON.
    before        TEXT,
    -- Up to which place it has reached the rows. Nothing, when it has reached all of them.
    carried       INTEGER,
    PRIMARY KEY (user_id, version)
) STRICT;
CREATE INDEX inbox_changes_carried ON inbox_changes (user_id, version) WHERE carried IS NOT NULL;
CREATE INDEX inbox_changes_created ON inbox_changes (created_at);
