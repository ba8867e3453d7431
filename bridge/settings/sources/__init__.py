"""Variables: the environment, `.env`, and the files that variables ending in `_FILE` name."""
