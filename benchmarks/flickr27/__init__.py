"""FlickrLogos-27: which of 27 brands a photo shows, and whether it shows any."""
