"""Where a mark is in a photo, asked with one picture of it that no training has seen.

The network, from the inside out: features (what the retrieval backbone sees in a picture), network
(a query's features and a scene's to a mask), tiles (scenes of any size), regions (a mask to
places), card, and finder, which does all of it. Around it: sources, whole and films read scenes,
looks says what is looked for, locating goes through them, and exports writes what was found.
"""
