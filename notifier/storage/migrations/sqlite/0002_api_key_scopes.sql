-- runs_from: 1
-- What a key may be used for, with commas. Keys that exist go on sending, and so do keys that
-- a program makes that does not know of this column.
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT 'send';
