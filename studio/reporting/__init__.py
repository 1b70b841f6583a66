"""What was measured and learnt, told: as plain text, as one HTML page, as plots, and a recorded session as a cast with
its page. And text made safe to print.
"""
