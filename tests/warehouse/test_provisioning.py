"""Tables and views are made once, kept, and never replaced by others silently."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
from google.cloud import bigquery

from beam_pipelines import tables
from beam_pipelines.schema import columns_from_bigquery
from beam_pipelines.warehouse import provisioning
from beam_pipelines.warehouse.client import WarehouseError
from beam_pipelines.warehouse.provisioning import schema_difference
from beam_pipelines.warehouse.views import views

ORDERS = tables.ORDERS.bigquery_schema


def changed(**fields) -> list[dict]:
    """The schema of orders with other fields: a dict to change one, None to drop it."""
    schema = [deepcopy(field) | (fields.get(field["name"]) or {}) for field in ORDERS]
    return [field for field in schema if fields.get(field["name"], {}) is not None]


def state(client: bigquery.Client) -> dict[str, tuple]:
    """What there is of every dataset, table and view, and when it was changed last."""
    found = {}
    for dataset in client.list_datasets():
        found[dataset.dataset_id] = client.get_dataset(dataset.reference).modified
        for item in client.list_tables(dataset.reference):
            table = client.get_table(item.reference)
            found[f"{dataset.dataset_id}.{item.table_id}"] = (table.etag, table.modified, table.created)
    return found


def test_equal_schemas_do_not_differ():
    assert schema_difference(ORDERS, deepcopy(ORDERS)) == []


def test_descriptions_do_not_count():
    assert schema_difference(ORDERS, changed(total={"description": "Something else."})) == []


def test_spellings_of_a_type_do_not_count():
    found = changed(order_id={"type": "INT64"}, items={"type": "STRUCT"}, total={"precision": 12, "scale": 2})
    assert schema_difference(ORDERS, found) == []


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        (changed(total=None), "total: expected NUMERIC(12, 2) REQUIRED, found no such column"),
        (
            [*ORDERS, {"name": "note", "type": "STRING", "mode": "NULLABLE"}],
            "note: expected no such column, found STRING NULLABLE",
        ),
        (changed(channel={"mode": "NULLABLE"}), "channel: expected STRING REQUIRED, found STRING NULLABLE"),
        (changed(order_id={"type": "STRING"}), "order_id: expected INTEGER REQUIRED, found STRING REQUIRED"),
        (changed(tax={"scale": "3"}), "tax: expected NUMERIC(12, 2) REQUIRED, found NUMERIC(12, 3) REQUIRED"),
        (changed(items={"mode": "REQUIRED"}), "items: expected RECORD REPEATED, found RECORD REQUIRED"),
        (
            changed(items={"fields": ORDERS[-1]["fields"][:-1]}),
            "items.cost: expected NUMERIC(12, 2) REQUIRED, found no such column",
        ),
    ],
)
def test_a_difference_is_spelt_out(found, difference):
    assert schema_difference(ORDERS, found) == [difference]


def test_a_list_of_numbers_differs_from_a_number():
    events = tables.ORDER_EVENTS.bigquery_schema
    found = [deepcopy(field) | ({"mode": "NULLABLE"} if field["name"] == "order_item_ids" else {}) for field in events]
    assert schema_difference(events, found) == [
        "order_item_ids: expected INTEGER REPEATED, found INTEGER NULLABLE",
    ]


def test_every_difference_is_listed():
    found = changed(total=None, channel={"mode": "NULLABLE"})
    assert [line.split(":")[0] for line in schema_difference(ORDERS, found)] == ["channel", "total"]


def test_every_table_is_there_as_defined(prepared):
    for table in tables.WAREHOUSE:
        found = prepared.get_table(f"{table.dataset}.{table.name}")
        fields = [field.to_api_repr() for field in found.schema]
        assert columns_from_bigquery(fields) == columns_from_bigquery(table.bigquery_schema), table.name
        assert found.description == table.description
        assert tuple(found.clustering_fields or ()) == table.cluster_by
        partition = found.time_partitioning
        assert bool(partition) == bool(table.partition), table.name
        if partition:
            assert (partition.field, partition.type_) == (table.partition.column, table.partition.granularity)


def test_every_view_is_there_as_defined(prepared):
    for view in views():
        found = prepared.get_table(f"{view.dataset}.{view.name}")
        assert (found.table_type, found.view_query, found.description) == ("VIEW", view.query, view.description)


def test_nothing_else_is_there(prepared):
    found = {name for name in state(prepared) if "." in name}
    assert found == {f"{thing.dataset}.{thing.name}" for thing in (*tables.WAREHOUSE, *views())}


def test_preparing_again_touches_nothing(prepared):
    before = state(prepared)
    provisioning.prepare(prepared)
    assert state(prepared) == before


def test_loads_that_prepare_at_once_do_not_disturb_each_other(warehouse):
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(provisioning.prepare, warehouse) for _ in range(3)]:
            done.result()
    before = state(warehouse)
    provisioning.prepare(warehouse)
    assert state(warehouse) == before


def test_a_table_of_another_schema_is_refused_with_the_difference(warehouse):
    warehouse.create_dataset("retail")
    schema = [bigquery.SchemaField.from_api_repr(f) for f in changed(total=None, tax={"type": "FLOAT", "precision": 0})]
    schema = [field if field.name != "tax" else bigquery.SchemaField("tax", "FLOAT", "REQUIRED") for field in schema]
    warehouse.create_table(bigquery.Table("local.retail.orders", schema=schema))
    with pytest.raises(WarehouseError) as caught:
        provisioning.prepare(warehouse)
    assert str(caught.value) == (
        "table retail.orders has another schema: "
        "tax: expected NUMERIC(12, 2) REQUIRED, found FLOAT REQUIRED; "
        "total: expected NUMERIC(12, 2) REQUIRED, found no such column"
    )


def test_a_view_that_was_changed_is_defined_anew(prepared):
    (view,) = [view for view in views() if view.name == "current_products"]
    table = prepared.get_table("retail.current_products")
    table.view_query = "SELECT 1 AS one"
    prepared.update_table(table, ["view_query"])
    provisioning.prepare(prepared)
    assert prepared.get_table("retail.current_products").view_query == view.query


def test_a_table_that_was_dropped_is_made_again(prepared):
    before = state(prepared)
    prepared.delete_table("retail.daily_sales")
    provisioning.prepare(prepared)
    assert state(prepared).keys() == before.keys()
