"""What people do in the console, in a database of its own beside the directory, or in the same PostgreSQL."""
