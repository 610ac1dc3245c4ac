"""What runs the jobs: containers as processes, and the work around them."""
