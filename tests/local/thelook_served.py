"""The small theLook on a server: tables in the dataset ``shop``, and views of them as the loader makes them."""

from __future__ import annotations

from pathlib import Path

from google.cloud import bigquery

from .conftest import load_config, write_avro
from .thelook_shop import COLUMNS, GEOGRAPHY, Shop, batch_of, columns_of


def load_shop(client: bigquery.Client, shop: Shop, folder: Path) -> None:
    """Loads the shop's rows and defines the dataset ``thelook_ecommerce``."""
    client.create_dataset("shop")
    client.create_dataset("thelook_ecommerce")
    for table in COLUMNS:
        columns = columns_of(table)
        fields = [bigquery.SchemaField.from_api_repr(column.bigquery_field) for column in columns]
        client.create_table(bigquery.Table(f"local.shop.{table}", schema=fields))
        uri = write_avro(folder / f"{table}.avro", batch_of(table, getattr(shop, table)), columns)
        client.load_table_from_uri(uri, f"local.shop.{table}", job_config=load_config()).result()
        point = f", ST_GEOGPOINT(longitude, latitude) AS {GEOGRAPHY[table]}" if table in GEOGRAPHY else ""
        client.query_and_wait(f"CREATE VIEW thelook_ecommerce.{table} AS SELECT *{point} FROM shop.{table}")
