"""likemark.augment.scenes: marks in photos, and the exact mask of each, for one-shot localisation.

From the inside out: stamps (a mark cut out), layers (in which inks, on which plate), warps and
poses (how it lies, and where), blend and light (how it looks there), covers (what lies over it),
lens (what a camera does), and scene, which makes one. sheet shows scenes to people.
"""
