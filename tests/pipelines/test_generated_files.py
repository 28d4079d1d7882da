"""Other people's readers find in the lake's files what the world drew."""

from datetime import date

import fastavro
import polars as pl
import pytest

from beam_pipelines import lake, tables
from beam_pipelines.world import World, day_number

DAY = date(2019, 1, 31)
CODECS = ("snappy", "deflate", "null")


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[dict]]:
    world = World(seed=42, scale=0.01)
    return {
        table.name: world.block(table.name, day_number(DAY), 0).to_pylist()
        for table in tables.LAKE
        if world.rows(table.name, day_number(DAY))
    }


@pytest.fixture(scope="module", params=CODECS)
def file_of(request, tmp_path_factory, generate, small_lake):
    """The path of a table's file, in each codec."""
    root = small_lake
    if request.param != "snappy":
        root = tmp_path_factory.mktemp(request.param)
        generate(
            root, f"--codec={request.param}", f"--start_date={DAY}", f"--end_date={DAY}", "--dimension_history=none"
        )
    return lambda table: f"{lake.folder(str(root), table, DAY)}/part-00000-of-00001.avro"


@pytest.mark.parametrize("table", ["customers", "orders"])
def test_fastavro_reads_what_was_drawn(file_of, drawn, table):
    with open(file_of(table), "rb") as file:  # noqa: PTH123
        assert list(fastavro.reader(file)) == drawn[table]


@pytest.mark.parametrize("table", ["customers", "orders"])
def test_the_schema_in_the_file_is_the_tables(file_of, table):
    with open(file_of(table), "rb") as file:  # noqa: PTH123
        assert fastavro.schema.fullname(fastavro.reader(file).writer_schema) == f"retail.{table}"


@pytest.mark.parametrize("table", ["customers", "orders"])
def test_polars_reads_what_was_drawn(file_of, drawn, table):
    assert pl.read_avro(file_of(table)).to_dicts() == drawn[table]
