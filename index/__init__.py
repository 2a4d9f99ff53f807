"""likemark.index: one vector-index protocol and the engines behind it."""
