"""The vendor SDK: the manifest, the signed bundle, trust, and the scripts that run in a guest."""
