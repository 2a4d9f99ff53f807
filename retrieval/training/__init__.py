"""likemark.retrieval.training: from drawings of marks to a network that tells them apart."""
