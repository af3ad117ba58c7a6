"""HL7 v2 as bytes and text: separators, charsets, escapes, allow-listed parts, acknowledgements, batches."""
