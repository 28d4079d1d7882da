"""Loading what is staged: one job for each partition, none where nothing is to be done, and no staged file left."""

import pyarrow as pa
import pytest

from beam_pipelines import tables
from beam_pipelines.lake import LakeError
from beam_pipelines.transforms.accounting import Account
from beam_pipelines.transforms.staging import Contribution, stage
from tests.transforms.lakes import DAY, moment, unit
from tests.transforms.loading import into_warehouse

UNITS = tables.INVENTORY_ITEMS
PARTITION = ("inventory_items", "20251110")


@pytest.fixture
def staged(tmp_path):
    """Stages units in a file of a name."""

    def staged(name: str, *numbers: int, source: str = "input-1") -> Contribution:
        rows = [unit(number, moment(DAY)) for number in numbers]
        batch = pa.RecordBatch.from_pylist(rows, schema=UNITS.arrow_schema)
        cents = (999 * len(rows),)
        account = Account(rows_in=len(rows), rows_loaded=len(rows), amounts_in=cents, amounts_loaded=cents)
        return Contribution(account, stage(str(tmp_path / "staging"), UNITS, "20251110", name, [batch]), input=source)

    return staged


def numbers_in(client) -> list[int]:
    rows = client.query_and_wait("SELECT inventory_item_id FROM retail.inventory_items ORDER BY 1")
    return [row[0] for row in rows]


def files_in(tmp_path) -> list[str]:
    return [path.name for path in (tmp_path / "staging").rglob("*") if path.is_file()]


def test_all_that_was_staged_for_a_partition_is_loaded_at_once(prepared, staged, tmp_path):
    parts = [staged("b", 3), Contribution(), staged("a", 1, 2)]
    (loaded,) = into_warehouse({PARTITION: parts}, tmp_path)
    assert numbers_in(prepared) == [1, 2, 3]
    assert (loaded.table, loaded.partition, loaded.input) == (*PARTITION, "input-1")
    assert loaded.account == Account(rows_in=3, rows_loaded=3, amounts_in=(2997,), amounts_loaded=(2997,))
    assert loaded.job_id.startswith("retail_load_inventory_items_20251110_")
    assert files_in(tmp_path) == []


def test_the_same_content_is_loaded_once_in_whatever_order_its_parts_come(prepared, staged, tmp_path):
    jobs = {
        into_warehouse({PARTITION: [staged(name, number) for name, number in parts]}, tmp_path)[0].job_id
        for parts in ((("a", 1), ("b", 2)), (("b", 2), ("a", 1)))
    }
    assert len(jobs) == 1
    assert files_in(tmp_path) == []


def test_a_partition_that_is_to_be_empty_is_emptied_by_a_job_and_then_by_none(prepared, staged, tmp_path):
    into_warehouse({PARTITION: [staged("a", 1)]}, tmp_path)
    nothing = {PARTITION: [Contribution(input="input-2")]}
    (emptied,) = into_warehouse(nothing, tmp_path)
    assert numbers_in(prepared) == []
    assert emptied.job_id is not None
    (left,) = into_warehouse(nothing, tmp_path)
    assert (left.job_id, left.loaded_at, left.input) == (None, None, "input-2")


def test_what_was_read_without_being_asked_for_is_not_loaded(prepared, staged, tmp_path):
    """Products are read for orders, even if they are not loaded."""
    assert into_warehouse({PARTITION: [staged("a", 1, source="")]}, tmp_path) == []
    assert numbers_in(prepared) == []
    assert files_in(tmp_path) == []


def test_a_partition_that_does_not_add_up_is_not_loaded(prepared, staged, tmp_path):
    into_warehouse({PARTITION: [staged("a", 1)]}, tmp_path)
    with pytest.raises(
        LakeError, match=r"^partition 20251110 of inventory_items does not add up: expected 3 rows, found 2"
    ):
        into_warehouse({PARTITION: [staged("b", 7, 8), Contribution(Account(rows_in=1))]}, tmp_path)
    assert numbers_in(prepared) == [1]
