"""Parameters of runs, checked by Airflow before a run begins."""

from __future__ import annotations

from airflow.sdk import Param

TABLES = (
    *("distribution_centers", "products", "customers", "inventory_items"),
    *("orders", "order_events", "web_events"),
)
"""The lake's tables."""


def world_params() -> dict[str, Param]:
    """What a run may say of the world it generates, and of how much of it may be bad."""
    return {
        "scale": Param(
            None,
            title="Scale",
            description="Volume: 1 opens with about 1,000 orders a day. Empty for the Variable retail_scale, or 1.",
            type=["null", "number"],
            minimum=0.01,
            maximum=10_000,
        ),
        "seed": Param(
            None,
            title="Seed",
            description="Which world. Empty for the Variable retail_seed, or 42. A lake holds one world only.",
            type=["null", "integer"],
            minimum=0,
            maximum=2**63 - 1,
        ),
        "tables": Param(
            list(TABLES),
            title="Tables",
            description="Lake tables to write and to load. Rows are refused that refer to a table that was left out.",
            type="array",
            items={"type": "string", "enum": list(TABLES)},
            examples=list(TABLES),
            minItems=1,
            uniqueItems=True,
        ),
        "codec": Param(
            "snappy",
            title="Codec",
            description="Compression of the lake's Avro files.",
            type="string",
            enum=["snappy", "deflate", "zstandard", "null"],
        ),
        "defect_rate": Param(
            0,
            title="Defect rate",
            description="Share of rows, blocks or files that each kind of defect befalls.",
            type="number",
            minimum=0,
            maximum=1,
        ),
        "defects": Param(
            "none",
            title="Rates of single kinds of defects",
            description="KIND=RATE, separated by commas, in place of the defect rate; or none.",
            type="string",
            pattern=r"^(none|[a-z_]+=[0-9.]+(,[a-z_]+=[0-9.]+)*)$",
        ),
        "max_refused_share": Param(
            0.05,
            title="Largest share of refused rows",
            description="The checks fail if more of a partition's rows were refused.",
            type="number",
            minimum=0,
            maximum=1,
        ),
        "max_staleness_hours": Param(
            12,
            title="Largest staleness, in hours",
            description="The checks fail if the newest order or page view lies further before the period's end.",
            type="integer",
            minimum=1,
            maximum=24,
        ),
    }
