"""Durable jobs: submitted with their audit entry, claimed, run, resumed or undone."""
