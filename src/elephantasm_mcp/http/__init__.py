"""HTTP: what callers find beside MCP: the REST interface and its pages.

Owns requests, answers and statuses. Does not own the socket, and decides nothing that services
decide. Invariant: whatever comes in, the answer is of the form that `/openapi.json` promises.
"""
