"""Flipped bits spoil their block and no other, in every codec."""

import io
from typing import BinaryIO, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import avro
from beam_pipelines.defects.corruption import FLIPPED_BYTES, BlockFile, Span

SCHEMA = {"type": "record", "name": "row", "fields": [{"name": "id", "type": "long"}, {"name": "a", "type": "string"}]}


def batches(sizes: list[int]) -> list[pa.RecordBatch]:
    return [
        pa.record_batch({"id": list(range(size)), "a": [f"row {size} {i * 7919}" for i in range(size)]})
        for size in sizes
    ]


def written(sizes: list[int], codec: str, corrupt: dict[int, float]) -> tuple[bytes, list[Span], avro.Written]:
    out, spans = io.BytesIO(), []
    file = BlockFile(out)

    def blocks():
        for number, batch in enumerate(batches(sizes)):
            yield batch
            spans.append(file.end_block(corrupt.get(number)))

    described = avro.write_blocks(cast(BinaryIO, file), SCHEMA, blocks(), codec=codec)
    file.close()
    return out.getvalue(), spans, described


@pytest.mark.parametrize("codec", avro.CODECS)
@pytest.mark.parametrize("sizes", [[], [1], [3, 1, 2000]])
def test_nothing_changes_without_corruption(codec, sizes):
    plain = io.BytesIO()
    avro.write_blocks(plain, SCHEMA, batches(sizes), codec=codec)
    data, spans, _ = written(sizes, codec, {})
    assert data == plain.getvalue()
    blocks = list(avro.read_blocks(io.BytesIO(data)))
    assert spans == [Span(block.offset, block.length) for block in blocks]


@pytest.mark.parametrize("codec", avro.CODECS)
@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=4),
    number=st.integers(0, 3),
    at=st.floats(0, 1, exclude_max=True),
)
def test_only_the_blocks_content_is_flipped(codec, sizes, number, at):
    number %= len(sizes)
    clean, spans, described = written(sizes, codec, {})
    data, same, still = written(sizes, codec, {number: at})
    assert (same, still) == (spans, described)
    differing = [place for place, (a, b) in enumerate(zip(clean, data, strict=True)) if a != b]
    span = spans[number]
    assert 1 <= len(differing) <= FLIPPED_BYTES
    assert span.offset + 2 <= differing[0]
    assert differing[-1] < span.offset + span.length - 16
    damages = []
    blocks = list(avro.read_blocks(io.BytesIO(data), on_damage=damages.append))
    if codec == "snappy":
        assert [(damage.offset, damage.length) for damage in damages] == [tuple(span)]
    others = [block.offset for block in blocks if block.offset != span.offset]
    assert others == [other.offset for other in spans if other != span], "all other blocks are found"
    with pytest.raises(avro.AvroError):
        list(avro.read_blocks(io.BytesIO(data), fingerprint=described.fingerprint))
