"""The repository: what the services read and write, as functions of a transaction."""
