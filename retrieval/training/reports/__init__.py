"""likemark.retrieval.training.reports: what a training shows and leaves of its progress."""
