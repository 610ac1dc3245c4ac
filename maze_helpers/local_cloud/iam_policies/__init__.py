"""IAM's policy language: what a document says, and whether it allows a request."""
