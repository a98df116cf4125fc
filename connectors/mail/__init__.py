"""Tickets by e-mail, with a provider who has a mailbox and nothing else."""
