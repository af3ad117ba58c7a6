"""FHIR R4: its definitions, and how a resource is judged by them and by a channel."""
