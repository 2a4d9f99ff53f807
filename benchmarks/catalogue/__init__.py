"""The catalogue at the size of a register: made marks imported, and every filter timed."""
