"""The gateway's transfers and proofs as the API shows them."""

from typing import Any

from controller.api.schemas.base import Out


class ProofOut(Out):
    """One run of the prover; `document` is signed. An open way is a defect of the box."""

    id: str
    at: str
    level: str
    open_ways: int
    document: dict[str, Any]
