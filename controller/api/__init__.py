"""JSON in and out over HTTP."""
