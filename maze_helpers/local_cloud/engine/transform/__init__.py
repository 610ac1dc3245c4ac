"""Batch transform: jobs that send a data set to model servers and keep the answers."""
