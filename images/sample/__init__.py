"""The sample hospital: what `make up` deploys on a lab node, through the box's own command line."""
