"""The SageMaker runtime: endpoints invoked, at once or through a queue."""
