"""The database: tables, migrations, and one way to read and write on SQLite and PostgreSQL alike."""
