"""Damaged and hostile files by the thousand, each put through the product's own way in: `python -m fuzz`."""
