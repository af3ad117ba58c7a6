"""What a node is made of: inventory as frozen facts."""
