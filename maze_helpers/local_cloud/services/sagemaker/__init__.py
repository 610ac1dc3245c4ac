"""SageMaker's control plane, a module a resource."""
