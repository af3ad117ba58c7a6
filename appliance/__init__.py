"""The box itself: errors, settings, host access, audit chain, signing, first boot, module SDK."""
