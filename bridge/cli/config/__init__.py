"""`rally-bridge config`: check and show the settings, and write a first configuration."""
