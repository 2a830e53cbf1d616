"""The services: what can be done with animas, events, memories and packs."""
