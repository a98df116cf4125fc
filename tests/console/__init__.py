"""The console through Flask's client: who sees which page, what a form does, what is refused."""
