"""The desks Tandem speaks to: one folder a kind, one engine, one contract. Imports nothing else of Tandem."""
