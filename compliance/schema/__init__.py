"""The published schema of the signed report."""
