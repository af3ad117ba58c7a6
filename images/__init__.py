"""How the box and its guest base image are built, verified and booted in a lab."""
