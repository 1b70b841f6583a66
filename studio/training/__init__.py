"""The night: from corrections to a GGUF adapter. Importing what the app uses of it loads no torch."""
