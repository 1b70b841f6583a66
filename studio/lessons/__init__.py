"""What corrections taught: distilled into lessons, embedded, found again for a question, and kept consistent."""
