"""likemark-open: a benchmark and a training corpus of openly licensed drawings of marks."""
