"""What the benchmarks found, for readers: Markdown tables, plots, one page, the README's block."""
