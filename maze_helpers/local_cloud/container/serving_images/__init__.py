"""The images that serve: a module for what each does before its model server starts."""
