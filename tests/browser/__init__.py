"""The console in headless Chromium: what a person sees and does, and that no text of others becomes a page of ours."""
