"""What was measured and learnt, told: plain-text tables, and text made safe to print."""
