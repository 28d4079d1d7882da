"""Data sets as OpenLineage names them."""

from __future__ import annotations

from typing import NamedTuple


class DatasetName(NamedTuple):
    """How OpenLineage calls a data set."""

    namespace: str
    name: str


def dataset_name(address: str) -> DatasetName:
    """The name of a folder in Cloud Storage, or of a table in BigQuery.

    Raises:
        ValueError: The address has another form.

    >>> dataset_name("gs://shop/lake/orders")
    DatasetName(namespace='gs://shop', name='lake/orders')
    >>> dataset_name("bigquery://project/retail.orders")
    DatasetName(namespace='bigquery', name='project.retail.orders')
    """
    scheme, _, rest = address.partition("://")
    place, _, name = rest.partition("/")
    if scheme == "gs" and place:
        return DatasetName(f"gs://{place}", name.strip("/") or "/")
    if scheme == "bigquery" and place and name:
        return DatasetName("bigquery", f"{place}.{name}")
    raise ValueError(f"lineage: expected gs://BUCKET/FOLDER or bigquery://PROJECT/DATASET.TABLE, got {address!r}")
