"""The invariance suite: queries of known truth derived from any collection, and their recall."""
