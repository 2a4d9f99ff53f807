"""likemark.benchmarks: data sets, measurements and the demonstration."""
