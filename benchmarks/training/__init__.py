"""likemark.benchmarks.training: a training small enough to be tried anywhere."""
