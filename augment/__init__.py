"""likemark.augment: segment-based augmentation, appearance and geometry views, synthetic scenes."""
