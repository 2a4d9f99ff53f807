"""Located marks taken out of photos and videos: regions in, the same file without the marks out."""
