"""`rules`: shows what the rules of the configuration file would do."""
