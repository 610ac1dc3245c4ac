"""The part of sagemaker-containers that scripts import."""
