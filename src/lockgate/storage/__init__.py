"""What is kept in SQL: the only rooms that know a table."""
