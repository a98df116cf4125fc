"""Who works with Tandem and what each may do: users, sign-in, sessions, tokens."""
