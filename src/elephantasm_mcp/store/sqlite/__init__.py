"""The SQLite engine: its driver, its database, its statements and migrations."""
