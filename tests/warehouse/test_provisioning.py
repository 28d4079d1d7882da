"""Tables and views are made once, kept, and never replaced by others silently."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
from google.api_core.exceptions import PreconditionFailed
from google.cloud import bigquery

from beam_pipelines import tables
from beam_pipelines.schema import columns_from_bigquery
from beam_pipelines.warehouse import provisioning
from beam_pipelines.warehouse.client import WarehouseError
from beam_pipelines.warehouse.provisioning import schema_difference, widened
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
            [*ORDERS, {"name": "note", "type": "STRING", "mode": "REQUIRED"}],
            "note: expected no such column, found STRING REQUIRED",
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


@pytest.mark.parametrize("mode", ["NULLABLE", "REPEATED"])
def test_columns_that_need_no_values_are_no_difference(mode):
    note = {"name": "note", "type": "STRING", "mode": mode}
    deeper = changed(items={"fields": [*ORDERS[-1]["fields"], note]})
    for wider in ([*ORDERS, note], deeper):
        assert schema_difference(ORDERS, wider) == []
        assert schema_difference(wider, ORDERS) == []
        assert widened(ORDERS, wider) == wider
        assert widened(wider, ORDERS) == wider


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


EVENT = """
    INSERT INTO retail.order_events (event_id, order_id, event_type, occurred_at)
    VALUES (1, 2, 'shipped', '2025-11-28')
"""


def make_narrow(client: bigquery.Client) -> None:
    """Order events as a version made them that knew fewer columns, with a row."""
    client.delete_table("retail.order_events")
    resource = provisioning.table_resource(tables.ORDER_EVENTS, client.project)
    kept = [field for field in resource["schema"]["fields"] if field["name"] not in ("carrier", "order_item_ids")]
    client.create_table(bigquery.Table.from_api_repr(resource | {"schema": {"fields": kept}}))
    client.query_and_wait(EVENT)


def columns(client: bigquery.Client) -> list[str]:
    return [field.name for field in client.get_table("retail.order_events").schema]


EVENT_COLUMNS = ["event_id", "order_id", "event_type", "occurred_at", "refund", "carrier", "order_item_ids"]


def test_columns_that_a_table_lacks_are_added(prepared):
    make_narrow(prepared)
    provisioning.prepare(prepared)
    assert columns(prepared) == EVENT_COLUMNS
    found = {field.name: field for field in prepared.get_table("retail.order_events").schema}
    for field in tables.ORDER_EVENTS.bigquery_schema:
        assert found[field["name"]] == bigquery.SchemaField.from_api_repr(field)
    (row,) = prepared.query_and_wait("SELECT * FROM retail.order_events")
    assert (row["event_id"], row["carrier"], row["order_item_ids"]) == (1, None, [])
    before = state(prepared)
    provisioning.prepare(prepared)
    assert state(prepared) == before


def test_columns_that_a_load_has_added_stay(prepared):
    table = prepared.get_table("retail.orders")
    table.schema = [
        *table.schema,
        bigquery.SchemaField("gift_note", "STRING"),
        bigquery.SchemaField("t", "DATE", "REPEATED"),
    ]
    prepared.update_table(table, ["schema"])
    before = state(prepared)
    provisioning.prepare(prepared)
    assert state(prepared) == before


def test_loads_that_add_columns_at_once_do_not_disturb_each_other(prepared):
    make_narrow(prepared)
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(provisioning.prepare, prepared) for _ in range(3)]:
            done.result()
    assert columns(prepared) == EVENT_COLUMNS


def test_a_table_that_changes_meanwhile_is_looked_at_again(prepared, monkeypatch):
    make_narrow(prepared)
    update, tried = prepared.update_table, []

    def late(table, fields):
        tried.append(table.etag)
        if len(tried) == 1:
            other = prepared.get_table("retail.order_events")
            other.schema = [*other.schema, bigquery.SchemaField("weight", "INTEGER")]
            update(other, ["schema"])
        return update(table, fields)

    monkeypatch.setattr(prepared, "update_table", late)
    provisioning.prepare(prepared)
    assert len(tried) == 2
    assert columns(prepared) == [*EVENT_COLUMNS[:-2], "weight", *EVENT_COLUMNS[-2:]]


def test_a_table_that_never_rests_is_an_error_that_says_so(prepared, monkeypatch):
    make_narrow(prepared)

    def refused(table, fields):
        raise PreconditionFailed("it has changed")

    monkeypatch.setattr(prepared, "update_table", refused)
    with pytest.raises(
        WarehouseError, match=r"^table retail.order_events was changed by others 20 times while columns"
    ):
        provisioning.prepare(prepared)


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
