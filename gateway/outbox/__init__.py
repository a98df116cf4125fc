"""What is owed to the remotes, until it is known to be done."""
