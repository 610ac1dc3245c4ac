"""The wire protocols: how a request becomes a dict and a result becomes a response."""
