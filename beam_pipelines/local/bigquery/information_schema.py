"""The INFORMATION_SCHEMA views of a dataset, as queries of the file's own metadata."""

from __future__ import annotations

from collections.abc import Callable

import sqlglot
from sqlglot import exp

_TABLES = """
SELECT
  {project} AS table_catalog,
  dataset_id AS table_schema,
  table_id AS table_name,
  CASE document ->> '$.type' WHEN 'VIEW' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type,
  CASE document ->> '$.type' WHEN 'VIEW' THEN 'NO' ELSE 'YES' END AS is_insertable_into,
  make_timestamptz(CAST(document ->> '$.creationTime' AS BIGINT) * 1000) AS creation_time,
  document ->> '$.view.query' AS view_definition
FROM _bigquery.tables WHERE dataset_id = {dataset}
"""

_COLUMNS = """
SELECT
  {project} AS table_catalog,
  dataset_id AS table_schema,
  table_id AS table_name,
  column_name,
  ordinal_position,
  is_nullable,
  data_type,
  is_partitioning_column,
  clustering_ordinal_position
FROM _bigquery.columns WHERE dataset_id = {dataset}
ORDER BY table_name, ordinal_position
"""

_PARTITIONS = """
SELECT
  {project} AS table_catalog,
  dataset_id AS table_schema,
  table_id AS table_name,
  nullif(partition_id, '') AS partition_id,
  total_rows,
  total_logical_bytes,
  last_modified_time,
  'ACTIVE' AS storage_tier
FROM _bigquery.partitions WHERE dataset_id = {dataset}
ORDER BY table_name, partition_id
"""

_VIEWS = """
SELECT
  {project} AS table_catalog,
  dataset_id AS table_schema,
  table_id AS table_name,
  document ->> '$.view.query' AS view_definition,
  'NO' AS check_option,
  'YES' AS use_standard_sql
FROM _bigquery.tables WHERE dataset_id = {dataset} AND document ->> '$.type' = 'VIEW'
"""


_LEGACY_TABLES = """
SELECT
  {project} AS project_id,
  tables.dataset_id,
  tables.table_id,
  CAST(any_value(document ->> '$.creationTime') AS BIGINT) AS creation_time,
  coalesce(
    max(epoch_us(last_modified_time)) // 1000, CAST(any_value(document ->> '$.lastModifiedTime') AS BIGINT)
  ) AS last_modified_time,
  CAST(sum(total_rows) AS BIGINT) AS row_count,
  CAST(sum(total_logical_bytes) AS BIGINT) AS size_bytes,
  CASE any_value(document ->> '$.type') WHEN 'VIEW' THEN 2 ELSE 1 END AS type
FROM _bigquery.tables AS tables
LEFT JOIN _bigquery.partitions AS partitions USING (dataset_id, table_id)
WHERE tables.dataset_id = {dataset}
GROUP BY ALL
ORDER BY table_id
"""


def _view(template: str) -> Callable[[str, str], exp.Expr]:
    def query(project: str, dataset: str) -> exp.Expr:
        literals = {
            name: exp.Literal.string(value).sql(dialect="duckdb")
            for name, value in {"project": project, "dataset": dataset}.items()
        }
        return sqlglot.parse_one(template.format(**literals), read="duckdb")

    return query


VIEWS = {
    "TABLES": _view(_TABLES),
    "COLUMNS": _view(_COLUMNS),
    "PARTITIONS": _view(_PARTITIONS),
    "VIEWS": _view(_VIEWS),
}
"""By name: the tree of the view's DuckDB query, given the project and the dataset."""
LEGACY_TABLES = _view(_LEGACY_TABLES)
"""The same of ``dataset.__TABLES__``."""
