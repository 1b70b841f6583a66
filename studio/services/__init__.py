"""Use cases, one verb a module: what the app and the command line both do. No terminal, no library of another room."""
