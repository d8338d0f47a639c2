"""Django's SQLite backend, with hooks at the beginning and the end of a transaction."""
