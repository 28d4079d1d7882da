"""Batches between workers: whole, small, and coded by Beam with the coder made for them."""

import json

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.coders import registry
from apache_beam.pipeline import PipelineVisitor
from apache_beam.testing.test_pipeline import TestPipeline as Pipeline
from apache_beam.testing.util import assert_that
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.options import LoadSettings, Period
from beam_pipelines.pipelines import load as loading
from beam_pipelines.transforms import transforming
from beam_pipelines.transforms.arrow_coder import RecordBatchCoder
from beam_pipelines.transforms.deduplication import plain
from beam_pipelines.transforms.sessions import PARTS
from beam_pipelines.world import World, day_number
from tests.transforms.lakes import DAY

CODER = RecordBatchCoder()
WORLD = World(seed=42, scale=0.05)


def blocks() -> list[pa.RecordBatch]:
    """A block of every table, with dictionaries and lists of records."""
    day = {tables.DISTRIBUTION_CENTERS.name: 0, tables.PRODUCTS.name: 0}
    return [WORLD.block(table.name, day.get(table.name, day_number(DAY)), 0) for table in tables.LAKE]


@pytest.mark.parametrize("batch", blocks(), ids=[table.name for table in tables.LAKE])
def test_a_batch_comes_back_as_it_was(batch):
    found = CODER.decode(CODER.encode(batch))
    assert found.schema.equals(batch.schema, check_metadata=True)
    assert found.equals(batch)
    assert CODER.encode(found) == CODER.encode(batch)


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_any_slice_comes_back_as_it_was(values, start, length):
    strings = pa.array(values, pa.string())
    lists = pa.array([None if value is None else list(value) for value in values], pa.list_(pa.string()))
    batch = pa.record_batch({"plain": strings, "coded": strings.dictionary_encode(), "lists": lists})
    batch = batch.slice(min(start, len(values)), length)
    found = CODER.decode(CODER.encode(batch))
    found.validate(full=True)
    assert found.to_pylist() == batch.to_pylist()
    assert found.schema == batch.schema


def test_a_batch_without_rows_keeps_its_schema():
    empty = pa.RecordBatch.from_pylist([], schema=PARTS)
    assert CODER.decode(CODER.encode(empty)).schema == PARTS


def test_a_slice_does_not_carry_what_it_is_a_slice_of():
    whole = plain(WORLD.block("orders", day_number(DAY), 0))
    part = whole.slice(5, 10)
    assert len(CODER.encode(part)) < len(CODER.encode(whole)) / 20
    assert CODER.estimate_size(part) < CODER.estimate_size(whole) / 20
    assert CODER.estimate_size(whole) < 2 * len(CODER.encode(whole))


class Elements(PipelineVisitor):
    """The type of what each step of a pipeline makes."""

    def __init__(self):
        self.types = {}

    def visit_transform(self, transform_node):
        for output in transform_node.outputs.values():
            self.types[transform_node.full_label] = output.element_type


def test_the_load_pipeline_takes_the_coder_for_what_is_exchanged():
    """By importing the pipeline, as a load does, and nothing more."""
    pipeline, found = beam.Pipeline(), Elements()
    loading.build(pipeline, LoadSettings("lake", Period(DAY, DAY), "bigquery://local"), "staging")
    pipeline.visit(found)
    coders = {label: registry.get_coder(kind) for label, kind in found.types.items() if "batches" in label}
    assert sorted(coders) == [
        f"{part}/{step} as batches" if step else f"{part}/As batches"
        for part in ("Products", "Rest")
        for step in ("", "Sessions", "Versions")
    ]
    for label, coder in coders.items():
        of_batches = coder if "Versions" in label else coder.value_coder()
        assert isinstance(of_batches, RecordBatchCoder), label
    assert RecordBatchCoder() == CODER
    assert hash(CODER) == hash(RecordBatchCoder())
    assert CODER.is_deterministic()


def test_a_group_by_key_codes_batches_so(monkeypatch):
    """Were they pickled, no batch would be encoded here."""
    sizes = []
    encode = RecordBatchCoder.encode

    def counted(self, value):
        sizes.append(value.num_rows)
        return encode(self, value)

    monkeypatch.setattr(RecordBatchCoder, "encode", counted)
    batches = [pa.record_batch({"id": pa.array(range(1000))}).slice(start, 3) for start in (0, 500)]
    bucket = ("orders", "20251110", 0, 1)

    def is_both(found):
        ((key, values),) = found
        assert key == bucket
        assert sorted(json.dumps(batch.to_pydict()) for batch in values) == [
            '{"id": [0, 1, 2]}',
            '{"id": [500, 501, 502]}',
        ]

    with Pipeline() as pipeline:
        grouped = (
            pipeline
            | beam.Create([0, 1])
            | beam.Map(lambda number: (bucket, batches[number])).with_output_types(
                tuple[transforming.Bucket, pa.RecordBatch]
            )
            | beam.GroupByKey()
        )
        assert_that(grouped, is_both)
    assert sizes.count(3) >= 2
