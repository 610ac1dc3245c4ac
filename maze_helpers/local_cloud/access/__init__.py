"""What operations ask of policies: IAM's actions, on which resources, with which keys."""
