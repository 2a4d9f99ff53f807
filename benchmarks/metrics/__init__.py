"""Ranks of the relevant items of each query, and every figure that follows from them."""
