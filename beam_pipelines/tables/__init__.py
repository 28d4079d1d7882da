"""The retail domain: every table, its columns and what they mean, keys, partitions and clustering.

Column names follow theLook eCommerce where the thing is the same. Timestamps are UTC microseconds, money is
NUMERIC(12, 2) in US dollars.
"""

from __future__ import annotations

from beam_pipelines.tables.derived import (
    DAILY_SALES,
    DERIVED,
    ORDER_ITEMS,
    SESSIONS,
)
from beam_pipelines.tables.lake import (
    CUSTOMERS,
    DIMENSIONS,
    DISTRIBUTION_CENTERS,
    HISTORY,
    INVENTORY_ITEMS,
    LAKE,
    LONGEST_IN_STOCK,
    ORDER_EVENTS,
    ORDERS,
    PRODUCTS,
    WEB_EVENTS,
)
from beam_pipelines.tables.ops import (
    DEAD_LETTERS,
    PARTITION_LOADS,
    dead_letters,
    partition_loads,
)
from beam_pipelines.tables.values import (
    BROWSERS,
    CARRIERS,
    CATEGORIES,
    CHANNELS,
    COUNTRIES,
    DEPARTMENTS,
    DEVICES,
    GENDERS,
    ORDER_EVENT_TYPES,
    PAYMENT_METHODS,
    TRAFFIC_SOURCES,
    WEB_EVENT_TYPES,
    WEB_TRAFFIC_SOURCES,
)

WAREHOUSE = LAKE + DERIVED + DEAD_LETTERS + PARTITION_LOADS
"""Every table in BigQuery."""

BY_NAME = {table.name: table for table in WAREHOUSE}

__all__ = [
    "BROWSERS",
    "BY_NAME",
    "CARRIERS",
    "CATEGORIES",
    "CHANNELS",
    "COUNTRIES",
    "CUSTOMERS",
    "DAILY_SALES",
    "DEAD_LETTERS",
    "DEPARTMENTS",
    "DERIVED",
    "DEVICES",
    "DIMENSIONS",
    "DISTRIBUTION_CENTERS",
    "GENDERS",
    "HISTORY",
    "INVENTORY_ITEMS",
    "LAKE",
    "LONGEST_IN_STOCK",
    "ORDERS",
    "ORDER_EVENTS",
    "ORDER_EVENT_TYPES",
    "ORDER_ITEMS",
    "PARTITION_LOADS",
    "PAYMENT_METHODS",
    "PRODUCTS",
    "SESSIONS",
    "TRAFFIC_SOURCES",
    "WAREHOUSE",
    "WEB_EVENTS",
    "WEB_EVENT_TYPES",
    "WEB_TRAFFIC_SOURCES",
    "dead_letters",
    "partition_loads",
]
