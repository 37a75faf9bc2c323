"""What make run starts."""
