"""What a network is trained by: losses over the pairs of one batch, chosen by name."""
