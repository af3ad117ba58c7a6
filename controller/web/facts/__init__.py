"""What pages show, read from the records into frozen values; nothing here writes."""
