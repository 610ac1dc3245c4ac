"""What `maze env` puts on PYTHONPATH, so that any Python started there stays local."""
