"""One module per screen; each is imported when its mode is first entered."""
