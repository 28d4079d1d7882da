"""Queries that fail when data is not as it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator


class WarehouseCheckOperator(BigQueryInsertJobOperator):
    """Runs a query that calls ``ERROR(...)`` if what it checks does not hold: the task fails with that text.

    Args:
        sql: A file of GoogleSQL, relative to the DAG's, or GoogleSQL itself.
        query_parameters: Types and values by name, ``{"day": ("DATE", "2025-11-28")}``; values may be templates.
        location: Where the data sets are. The provider's operator asks for a job without it after a query in a region,
            and does not render templates in it.
    """

    template_fields: Sequence[str] = (*BigQueryInsertJobOperator.template_fields, "location")

    def __init__(
        self, *, sql: str, query_parameters: Mapping[str, tuple[str, str]], location: str, **kwargs: Any
    ) -> None:
        parameters = [
            {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": value}}
            for name, (kind, value) in query_parameters.items()
        ]
        query = {"query": sql, "useLegacySql": False, "queryParameters": parameters}
        super().__init__(configuration={"query": query}, location=location, **kwargs)
