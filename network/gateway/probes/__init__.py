"""The prover's probes: each module tries ways of one kind and says what the kernel answered."""
