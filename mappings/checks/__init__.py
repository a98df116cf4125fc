"""The prover's checks, one function a code; ``mappings.prover`` runs them."""
