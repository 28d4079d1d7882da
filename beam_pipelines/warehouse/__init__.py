"""The warehouse: BigQuery's tables, views and partition loads, through its own client.

On a laptop the same client speaks to the local BigQuery; nothing here knows the difference but :func:`client.connect`.
"""
