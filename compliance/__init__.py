"""The inspector: catalogue, checks, evidence, verdicts and reports; shares no code with what it inspects."""
