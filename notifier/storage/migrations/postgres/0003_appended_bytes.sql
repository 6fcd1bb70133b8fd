-- runs_from: 2
-- At least as many bytes as were ever appended to the log; more than any limit where nobody
-- knows, so that what is pending is counted first. Programs that do not know of the column
-- leave it alone: what they append counts once it is counted.
ALTER TABLE inboxes ADD COLUMN appended_bytes bigint NOT NULL DEFAULT 1125899906842624;
