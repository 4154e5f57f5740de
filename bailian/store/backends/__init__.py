"""Where the journal lies: a SQLite file in the home folder, or a PostgreSQL server that several machines share."""
