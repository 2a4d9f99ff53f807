"""Embedding on many machines: Ray actors decode and embed, one driver writes the catalogue."""
