"""Figures: each bench measures ours beside a peer or floor in the same run."""
