"""likemark.retrieval: pictures in, ranked hits out."""
