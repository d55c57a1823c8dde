"""The Python client of a Livethread server, and what bots are made of."""
