"""likemark.augment: segment-based augmentation, appearance and geometry views, synthetic scenes.

Two ways to the same edits. Exact, on float planes, for benchmarks: segments, edits, appearance,
geometry, scene, text, capture. Quick, on bytes, for training: views, which draws operations by a
recipe, with marks, quick, parts and a module for each group of operations.
"""
