-- runs_from: 1
-- What is unread, with all that its count goes by; of the rest, what a page of an inbox shows.
DROP INDEX IF EXISTS notifications_unread;
CREATE INDEX notifications_unread
    ON notifications (user_id, seq, seen_at, expires_at, snoozed_until)
    WHERE read_at IS NULL AND archived_at IS NULL AND withdrawn_at IS NULL;
DROP INDEX IF EXISTS notifications_read;
CREATE INDEX notifications_read ON notifications (user_id, seq)
    WHERE read_at IS NOT NULL AND archived_at IS NULL AND withdrawn_at IS NULL;
DROP INDEX IF EXISTS notifications_archived;
CREATE INDEX notifications_archived ON notifications (user_id, seq)
    WHERE archived_at IS NOT NULL AND withdrawn_at IS NULL;
DROP INDEX IF EXISTS notifications_snoozed;
CREATE INDEX notifications_snoozed ON notifications (user_id, seq)
    WHERE snoozed_until IS NOT NULL AND withdrawn_at IS NULL;
DROP INDEX IF EXISTS notifications_category;
CREATE INDEX notifications_category ON notifications (user_id, category, seq)
    WHERE category IS NOT NULL AND withdrawn_at IS NULL;
-- What changed, and what a send supersedes.
DROP INDEX IF EXISTS notifications_changed;
CREATE INDEX notifications_changed ON notifications (user_id, version) WHERE version > 0;
DROP INDEX IF EXISTS notifications_collapse;
CREATE INDEX notifications_collapse ON notifications (user_id, collapse_key, seq)
    WHERE collapse_key IS NOT NULL AND withdrawn_at IS NULL;
