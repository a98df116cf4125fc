"""What one desk's records mean in the canonical vocabulary: data, compiled and run with no network, store or clock."""
