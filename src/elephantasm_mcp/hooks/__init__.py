"""Hooks: what clients run by themselves, so that memory needs no goodwill of a model.

They run them when a session begins, with each prompt, and after each turn. Owns what each client
says and wants to hear (`clients`), what is taken down (`capture`), what is printed (`showing`), and
the deadline. Knows no protocol but theirs. Invariant: a hook ends within its time with exit code 0,
prints memory or nothing, and never takes down what it printed.
"""
