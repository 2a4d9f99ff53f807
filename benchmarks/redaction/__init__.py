"""`likemark bench run redaction`: what is left of a mark once it has been taken out.

covering counts px against the true boxes; residual asks the retrieval model whether it still knows
the brand; clip makes a film and measures flicker and pace; run does all of it, in photos of
FlickrLogos-27, with the finder and, to tell finding and covering apart, with the true boxes.
"""
