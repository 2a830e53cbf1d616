"""Clients: the programs that start this server, and their files, which are not ours.

Owns where each client keeps its list of servers, how an entry of ours looks there, and the
careful change of such a file. Does not talk to users and never imports mcp. Invariant: a file that
cannot be understood is left as it is, and in any other nothing changes but what is ours.
"""
