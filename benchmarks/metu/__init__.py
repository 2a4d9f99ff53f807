"""The METU trademark protocol: its files, and its evaluation as defined by its authors."""
