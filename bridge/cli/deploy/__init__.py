"""The commands `deploy systemd` and `deploy kubernetes`."""
