"""The AWS services, one provider each."""
