-- runs_from: 1
-- What is unread; of the rest, what a page of an inbox shows.
DROP INDEX CONCURRENTLY IF EXISTS notifications_unread;
CREATE INDEX CONCURRENTLY notifications_unread
    ON notifications (user_id, seq)
    WHERE read_at IS NULL AND archived_at IS NULL AND withdrawn_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS notifications_read;
CREATE INDEX CONCURRENTLY notifications_read ON notifications (user_id, seq)
    WHERE read_at IS NOT NULL AND archived_at IS NULL AND withdrawn_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS notifications_archived;
CREATE INDEX CONCURRENTLY notifications_archived ON notifications (user_id, seq)
    WHERE archived_at IS NOT NULL AND withdrawn_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS notifications_snoozed;
CREATE INDEX CONCURRENTLY notifications_snoozed ON notifications (user_id, seq)
    WHERE snoozed_until IS NOT NULL AND withdrawn_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS notifications_category;
CREATE INDEX CONCURRENTLY notifications_category ON notifications (user_id, category, seq)
    WHERE category IS NOT NULL AND withdrawn_at IS NULL;
-- What changed, and what a send supersedes.
DROP INDEX CONCURRENTLY IF EXISTS notifications_changed;
CREATE INDEX CONCURRENTLY notifications_changed ON notifications (user_id, version) WHERE version > 0;
DROP INDEX CONCURRENTLY IF EXISTS notifications_collapse;
CREATE INDEX CONCURRENTLY notifications_collapse ON notifications (user_id, collapse_key, seq)
    WHERE collapse_key IS NOT NULL AND withdrawn_at IS NULL;
