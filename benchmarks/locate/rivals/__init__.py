"""What else finds a mark in a photo, in the same run: templates, keypoints, sliding windows,
and the published one-shot network."""
