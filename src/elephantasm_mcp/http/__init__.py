"""HTTP: who is let in, and what is answered beside MCP.

Owns what stands before and beside the MCP endpoints of the HTTP process. Invariant: a request goes
on only in the name of a caller, unless it asks for what everybody may see.
"""
