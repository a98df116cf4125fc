"""What the desk works with beside the road: reading tickets, contacts, and what comes with later chapters."""
