"""Functions of their arguments: no I/O, no clock, no state."""
