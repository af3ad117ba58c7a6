"""Drawings made on the server as SVG text; every function here is pure."""
