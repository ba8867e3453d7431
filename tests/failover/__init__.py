"""The failover harness: real sentinels, real failovers, and a check that nothing acknowledged was lost."""
