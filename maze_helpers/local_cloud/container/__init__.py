"""What runs inside a container: what would sit in the image. It imports nothing of the engine."""
