"""The one that decides, records and asks: API, console, jobs, workers, drivers and CLI."""
