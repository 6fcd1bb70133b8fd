-- runs_from: 1
-- What a notification may say of itself, and where it stands: all moments, or nothing. The
-- version is that of its last change of state; 0 if there was none.
ALTER TABLE notifications ADD COLUMN category text COLLATE "C";
ALTER TABLE notifications ADD COLUMN priority text;
ALTER TABLE notifications ADD COLUMN collapse_key text COLLATE "C";
ALTER TABLE notifications ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN seen_at bigint;
ALTER TABLE notifications ADD COLUMN read_at bigint;
ALTER TABLE notifications ADD COLUMN archived_at bigint;
ALTER TABLE notifications ADD COLUMN snoozed_until bigint;
ALTER TABLE notifications ADD COLUMN withdrawn_at bigint;

-- The number of the last change of state.
ALTER TABLE inboxes ADD COLUMN version bigint NOT NULL DEFAULT 0;

-- The changes of the last days: of keys, or of all up to a place in the log.
CREATE TABLE inbox_changes (
    user_id       bigint  NOT NULL,
    version       bigint  NOT NULL,
    verb          text    NOT NULL,
    created_at    bigint  NOT NULL,
    up_to         bigint,
    category      text    COLLATE "C",
    snoozed_until bigint,
    -- The change that this one undoes.
    undoes        bigint,
    -- What keys were before, as JSON.
    before        text,
    -- Up to which place it has reached the rows. Nothing, when it has reached all of them.
    carried       bigint,
    PRIMARY KEY (user_id, version)
);
CREATE INDEX inbox_changes_carried ON inbox_changes (user_id, version) WHERE carried IS NOT NULL;
CREATE INDEX inbox_changes_created ON inbox_changes (created_at);
