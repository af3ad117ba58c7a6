"""How packets and messages pass: zones, links, firewall and the data exchange gateway."""
