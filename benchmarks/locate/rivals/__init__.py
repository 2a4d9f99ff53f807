"""What else finds a mark in a photo, in the same run: templates, keypoints, sliding windows."""
