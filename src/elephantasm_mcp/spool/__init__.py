"""The spool: what hooks took down and nobody has stored yet, in files beside our database.

Owns its files (`parts`), what is known of each session (`sessions`), which of them were not taken
down to their end (`behind`), where all of it is (`folders`) and the diary of what went wrong
(`diary`). Storing is `memory.spooled`'s. Invariant: what was put here is whole and on the disk
before anybody counts it as taken down, and needs no library to be put.
"""
