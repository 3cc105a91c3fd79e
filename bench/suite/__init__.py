"""The benchmark itself: starts server, robot and viewers, measures them and prints a table."""
