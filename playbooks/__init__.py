"""Where the Ansible roles lie that bring a node to its state."""

from pathlib import Path

ROOT = Path(__file__).parent
