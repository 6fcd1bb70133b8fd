-- runs_from: 1
-- What a search for a user's name goes by.
DROP INDEX CONCURRENTLY IF EXISTS users_name;
CREATE INDEX CONCURRENTLY users_name ON users (lower(username) COLLATE "C", id);
