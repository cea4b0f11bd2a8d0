"""DVC stages: read the parameters, call the library, write files."""
