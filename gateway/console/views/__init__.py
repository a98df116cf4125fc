"""The pages, one module per subject; each is a few lines around ``gateway.desk`` and ``pipeline.change``."""
