"""What was loaded is compared with what the warehouse holds, and a line says how it was loaded."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from beam_pipelines import tables
from beam_pipelines.options import Period
from beam_pipelines.transforms import reconciliation
from beam_pipelines.transforms.accounting import Account
from beam_pipelines.transforms.partition_loading import LoadedPartition
from beam_pipelines.transforms.reconciliation import Reconcile, StageLines, differences, line, lines
from beam_pipelines.transforms.staging import Contribution, stage
from beam_pipelines.warehouse.client import WarehouseError
from beam_pipelines.warehouse.partition_totals import Totals
from tests.transforms.lakes import DAY, Lake, center, days_from, moment, unit
from tests.transforms.loading import WAREHOUSE, into_warehouse, load

UNITS = tables.INVENTORY_ITEMS
ACCOUNT = Account(
    files=3,
    rows_in=9,
    rows_late=2,
    rows_loaded=4,
    rows_refused=3,
    rows_deduplicated=1,
    rows_unreadable=1,
    blocks_unreadable=1,
    amounts_in=(805,),
    amounts_loaded=(400,),
    amounts_refused=(305,),
    amounts_deduplicated=(100,),
)
ENDED = datetime(2025, 11, 11, 3, tzinfo=UTC)
LOADED = LoadedPartition("inventory_items", "20251110", ACCOUNT, "job-1", ENDED, "input-1")


def test_what_is_held_as_it_was_loaded_does_not_differ():
    assert differences(LOADED, Totals(4, (Decimal("4.00"),))) == []
    assert differences(LOADED._replace(account=Account()), reconciliation.NO_TOTALS) == []
    assert differences(LOADED._replace(account=Account()), Totals(0, (Decimal(0),))) == []


def test_what_is_held_otherwise_is_spelt_out():
    assert differences(LOADED, Totals(5, (Decimal("4.01"),))) == [
        "expected 4 rows in the warehouse, found 5",
        "expected a sum of 4.00 in cost in the warehouse, found 4.01",
    ]
    assert len(differences(LOADED, reconciliation.NO_TOTALS)) == 2


def test_a_line_says_what_became_of_every_row_and_cent():
    assert line(LOADED) == {
        "partition_date": DAY,
        "table_name": "inventory_items",
        "partition_id": "20251110",
        "input": "input-1",
        "files": 3,
        "rows_in": 9,
        "rows_late": 2,
        "rows_loaded": 4,
        "rows_refused": 3,
        "rows_deduplicated": 1,
        "rows_unreadable": 1,
        "dead_letters": 4,
        "amounts": [
            {
                "column_name": "cost",
                "amount_in": Decimal("8.05"),
                "amount_loaded": Decimal("4.00"),
                "amount_refused": Decimal("3.05"),
                "amount_deduplicated": Decimal("1.00"),
            }
        ],
        "job_id": "job-1",
        "loaded_at": ENDED,
    }


@pytest.mark.parametrize("table", [*tables.LAKE, *tables.DERIVED], ids=lambda table: table.name)
def test_every_table_has_lines_with_its_amounts(table):
    partition = "" if not table.partition else "20251110" if table.partition.granularity == "DAY" else "202511"
    loaded = LoadedPartition(table.name, partition, Account(), None, None, "input-1")
    (row,) = lines([loaded]).to_pylist()
    assert [one["column_name"] for one in row["amounts"]] == list(table.numeric_paths)
    assert row["partition_date"] == {"": date(1970, 1, 1), "202511": date(2025, 11, 1)}.get(partition, DAY)
    own = tables.partition_loads(tables.BY_NAME[reconciliation.SOURCES[table.name]])
    assert lines([loaded]).schema == own.arrow_schema


@pytest.fixture
def load_units(tmp_path):
    """Loads units into a partition, with an account that is right or not."""

    def load_units(*costs: str, account: Account | None = None) -> LoadedPartition:
        rows = [unit(number, moment(DAY), cost=Decimal(cost)) for number, cost in enumerate(costs, start=1)]
        batch = pa.RecordBatch.from_pylist(rows, schema=UNITS.arrow_schema)
        file = stage(str(tmp_path), UNITS, "20251110", "rows", [batch])
        cents = (sum(int(Decimal(cost) * 100) for cost in costs),)
        right = Account(rows_in=len(rows), rows_loaded=len(rows), amounts_in=cents, amounts_loaded=cents)
        contributions = [Contribution(account or right, file, input="input-1")]
        (loaded,) = into_warehouse({("inventory_items", "20251110"): contributions}, tmp_path)
        return loaded

    return load_units


def reconciled(*loaded: LoadedPartition) -> list:
    return list(Reconcile().process((loaded[0].table, loaded), WAREHOUSE))


def test_a_partition_that_holds_what_was_loaded_goes_on_to_its_line(prepared, load_units):
    loaded = load_units("1.00", "2.50")
    assert loaded.job_id
    assert reconciled(loaded) == [(("partition_loads_inventory_items", "20251110"), loaded)]


@pytest.mark.parametrize(
    ("account", "difference"),
    [
        (
            Account(rows_in=3, rows_loaded=3, amounts_in=(350,), amounts_loaded=(350,)),
            "expected 3 rows in the warehouse, found 2",
        ),
        (
            Account(rows_in=2, rows_loaded=2, amounts_in=(351,), amounts_loaded=(351,)),
            "expected a sum of 3.51 in cost in the warehouse, found 3.50",
        ),
    ],
)
def test_a_partition_that_holds_something_else_is_named_with_the_difference(prepared, load_units, account, difference):
    loaded = load_units("1.00", "2.50", account=account)
    with pytest.raises(WarehouseError, match=f"^{re.escape(f'retail.inventory_items$20251110: {difference}')}$"):
        reconciled(loaded)


def test_a_partition_that_another_load_has_replaced_is_no_error(prepared, load_units):
    first = load_units("1.00", "2.50")
    load_units("9.00")
    assert reconciled(first) == [(("partition_loads_inventory_items", "20251110"), first)]


def test_a_partition_that_somebody_has_emptied_is_an_error_for_no_load_has_replaced_it(prepared, load_units):
    loaded = load_units("1.00")
    prepared.query_and_wait("DELETE FROM retail.inventory_items WHERE TRUE")
    with pytest.raises(WarehouseError, match=r"inventory_items\$20251110: expected 1 rows in the warehouse, found 0;"):
        reconciled(loaded)


def test_an_empty_partition_takes_no_job_and_who_fills_it_meanwhile_is_no_error(prepared, tmp_path, load_units):
    (empty,) = into_warehouse({("inventory_items", "20251110"): [Contribution(input="input-0")]}, tmp_path)
    assert (empty.job_id, empty.loaded_at, empty.input) == (None, None, "input-0")
    assert reconciled(empty) == [(("partition_loads_inventory_items", "20251110"), empty)]
    load_units("9.00")
    assert reconciled(empty) == [(("partition_loads_inventory_items", "20251110"), empty)]


def test_dead_letters_are_compared_but_have_no_lines(prepared):
    letters = LoadedPartition("dead_letters_orders", "20251110", Account(), None, None, "input-1")
    assert reconciled(letters) == []
    wrong = letters._replace(account=Account(rows_in=1, rows_loaded=1))
    with pytest.raises(WarehouseError, match=r"^ops\.dead_letters_orders\$20251110: expected 1 rows in the warehouse"):
        reconciled(wrong)


TOLD = (
    *("table_name", "partition_id", "files", "rows_in", "rows_late"),
    *("rows_loaded", "rows_refused", "rows_deduplicated", "rows_unreadable", "dead_letters"),
)


def test_a_load_is_reconciled_and_told_line_by_line(prepared, tmp_path):
    """Of a lake with late, doubled, refused and unreadable rows, and of a table without partitions."""
    found, (first, second) = Lake(str(tmp_path / "lake")), days_from(DAY, 2)
    twice = [unit(1, moment(first)), unit(1, moment(first, 13), cost=Decimal("5.00"))]
    found.write(UNITS, first, [[twice, [unit(2, moment(first), cost=None)]]])
    found.write(UNITS, second, [[[unit(3, moment(first)), unit(4, moment(second))], [unit(5, moment(second))]]])
    found.spoil(UNITS, second, 1)
    found.write(tables.DISTRIBUTION_CENTERS, first, [[[center(1), center(0)]]])
    period = Period(second, second)
    loaded = []
    for table in (UNITS, tables.DISTRIBUTION_CENTERS):
        contributed = load(found, table, period, tmp_path / "staging").contributions
        loaded += into_warehouse(contributed, tmp_path)
    told = [one for of_table in by_table(loaded) for one in reconciled(*of_table)]
    staged: dict = {}
    for partition, one in told:
        staged.setdefault(partition, []).append(one)
    parts = [part for group in staged.items() for part in StageLines(str(tmp_path / "lines")).process(group)]
    lines_of = {partition: [part] for partition, part in parts}
    assert all(one.job_id for one in into_warehouse(lines_of, tmp_path))
    rows = prepared.query_and_wait("SELECT * FROM ops.partition_loads ORDER BY table_name, partition_date")
    assert [tuple(row[name] for name in TOLD) for row in rows] == [
        ("distribution_centers", "", 1, 2, 0, 1, 1, 0, 0, 1),
        ("inventory_items", "20251110", 2, 4, 1, 2, 1, 1, 0, 1),
        ("inventory_items", "20251111", 1, 2, 0, 1, 0, 0, 1, 1),
    ]
    held = prepared.query_and_wait("SELECT inventory_item_id, cost FROM retail.inventory_items ORDER BY 1")
    assert [row.values() for row in held] == [(1, Decimal("5.00")), (3, Decimal("9.99")), (4, Decimal("9.99"))]
    letters = prepared.query_and_wait("SELECT table_name, reason FROM ops.dead_letters ORDER BY 1, 2")
    assert [row.values() for row in letters] == [
        ("distribution_centers", "range"),
        ("inventory_items", "corrupt_block"),
        ("inventory_items", "required"),
    ]


def by_table(loaded: list[LoadedPartition]) -> list[list[LoadedPartition]]:
    names = sorted({one.table for one in loaded})
    return [[one for one in loaded if one.table == name] for name in names]


def test_a_line_of_a_derived_table_lies_with_those_of_its_source(prepared):
    sales = LoadedPartition("daily_sales", "20251110", Account(), None, None, "input-1")
    assert reconciled(sales) == [(("partition_loads_orders", "20251110"), sales)]
