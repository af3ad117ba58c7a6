"""The exchange gateway: three processes joined by pipes, the only way across between the zones."""
