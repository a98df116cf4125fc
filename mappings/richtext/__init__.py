"""One small document tree, with a reader and a writer for each text format. Used through ``mappings.text``."""
