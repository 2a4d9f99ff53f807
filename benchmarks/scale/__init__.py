"""`likemark bench run scale`: indices of a million vectors and more, side by side.

mixture and material draw vectors around real embeddings; vectors keeps them on the disk; truth
compares all; engines are what is measured, child one of them in a process of its own; run goes
through all sizes and engines, and goes on where it was stopped.
"""
