"""What one desk's records mean in the canonical vocabulary: data, compiled and run without network, database or clock."""
