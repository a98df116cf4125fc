"""What ``tandem up --demo`` adds: a provider's desk beside Tandem, and tickets that keep arriving."""
