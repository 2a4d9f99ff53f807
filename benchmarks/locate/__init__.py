"""Where a mark stands in a photo, asked with one picture of it that no training has seen.

found is what a locator answers; asks is what it is asked: flickr of photos, synthetic of scenes
made here. run asks, matches holds the answers against the truth, measures and standings count.
"""
