"""likemark.cli: the `likemark` command: parse, call, print."""
