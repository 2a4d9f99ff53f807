"""What else can be had today, on the same gallery in the same run: hashes, networks, ORB."""
