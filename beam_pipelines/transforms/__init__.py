"""Beam transforms over batches of Arrow; each only wires pure functions."""
