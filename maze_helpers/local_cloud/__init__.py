"""The embedded AWS: a server that speaks the AWS APIs and really runs the jobs."""
