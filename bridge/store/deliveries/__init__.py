"""Deliveries: their lanes and attempts, and the digests that tell several at once."""
