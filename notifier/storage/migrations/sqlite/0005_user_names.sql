-- runs_from: 1
-- What a search for a user's name goes by.
DROP INDEX IF EXISTS users_name;
CREATE INDEX users_name ON users (lower(username), id);
