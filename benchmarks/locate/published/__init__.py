"""The published one-shot logo network, made anew, trained on our scenes: a row to compare with.

Bhunia et al., "A deep one-shot network for query-based logo retrieval", Pattern Recognition 96,
2019 (arXiv 1811.01395).

network is its architecture; config, task and kind make it a task of `likemark train`; what it finds
in a photo is read by `likemark.benchmarks.locate.rivals.published`.
"""
