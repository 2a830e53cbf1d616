"""HTTP: who is let in, and what is answered beside MCP: the REST interface and its pages.

Owns what stands before and beside the MCP endpoints of the HTTP process. Does not own the socket,
and decides nothing that services decide. Invariant: a request goes on only in the name of a caller,
unless it asks for what everybody may see, and a REST answer is of the form that `/openapi.json`
promises.
"""
