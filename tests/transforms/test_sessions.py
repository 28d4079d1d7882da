"""Sessions against a computation event by event, however the events were split."""

import io
import pickle
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import avro, tables
from beam_pipelines.transforms.sessions import PARTS, bucket_of, joined, parts_of, sessions
from beam_pipelines.world import World, day_number

DAY = date(2025, 11, 28)
MIDNIGHT = datetime(2025, 11, 28, tzinfo=UTC)
TEXTS = [column.name for column in tables.WEB_EVENTS.columns if column.type == "STRING"]
INDEX = pa.int32()
VISIT = ("traffic_source", "browser", "device", "city", "state", "country")


def session_of(events):
    """The session of events, which have one session_id, computed the plain way."""
    events = sorted(events, key=lambda event: (event["occurred_at"], event["sequence_number"], event["event_id"]))
    first, last = events[0], events[-1]
    types = [event["event_type"] for event in events]
    customers = [event["customer_id"] for event in events if event["customer_id"] is not None]
    purchases = [event["order_id"] for event in events if event["event_type"] == "purchase"]
    orders = [order for order in purchases if order is not None]
    return {
        "session_id": first["session_id"],
        "customer_id": customers[-1] if customers else None,
        "started_at": first["occurred_at"],
        "ended_at": last["occurred_at"],
        "duration_seconds": (last["occurred_at"] - first["occurred_at"]) // timedelta(seconds=1),
        "events": len(events),
        "product_views": types.count("product"),
        "landing_page": first["uri"],
        "exit_page": last["uri"],
        "carted": "cart" in types,
        "purchased": "purchase" in types,
        "order_id": orders[-1] if orders else None,
    } | {name: first[name] for name in VISIT}


def sessions_of(events):
    """All sessions of events, computed the plain way."""
    by_session = defaultdict(list)
    for event in events:
        by_session[event["session_id"]].append(event)
    rows = [session_of(own) for own in by_session.values()]
    return sorted(rows, key=lambda row: (row["started_at"], row["session_id"].encode()))


def event(number, session, second=0.0, **changed):
    """An event of a session, so many seconds after midnight."""
    return {
        "event_id": number,
        "session_id": session,
        "sequence_number": 1,
        "customer_id": None,
        "occurred_at": MIDNIGHT + timedelta(seconds=second),
        "event_type": "home",
        "uri": "/home",
        "product_id": None,
        "order_id": None,
        "traffic_source": "Email",
        "browser": "Chrome",
        "device": "mobile",
        "ip_address": "10.0.0.1",
        "city": "Mobile",
        "state": "Alabama",
        "postal_code": "36601",
        "country": "United States",
    } | changed


def batch(events):
    return pa.RecordBatch.from_pylist(events, schema=tables.WEB_EVENTS.arrow_schema)


def encoded(events, index=INDEX):
    """The batch with its strings dictionary-encoded, each dictionary in reverse and with every value twice."""
    columns = []
    for name, column in zip(events.schema.names, events.columns, strict=True):
        if name in TEXTS:
            plain = column.dictionary_encode()
            values = plain.dictionary.to_pylist()
            codes = [
                2 * len(values) - 1 - code - len(values) * (row % 2)
                for row, code in enumerate(plain.indices.to_pylist())
            ]
            column = pa.DictionaryArray.from_arrays(pa.array(codes, index), pa.array(values[::-1] * 2, pa.string()))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=events.schema.names)


def bytes_of(rows):
    """What a load stages."""
    return avro.encode(rows, avro.parse_schema(tables.SESSIONS.avro_schema)).tobytes()


@pytest.fixture(scope="module")
def decoded():
    """A day of the world's events, as the load reads them from the lake."""
    world, day = World(seed=42, scale=0.05), day_number(DAY)
    file = io.BytesIO()
    blocks = [world.block("web_events", day, block) for block in range(world.blocks("web_events", day))]
    avro.write_blocks(file, tables.WEB_EVENTS.avro_schema, blocks)
    file.seek(0)
    return [block.batch for block in avro.read_blocks(file, dictionaries=True)]


@pytest.fixture(scope="module")
def whole(decoded):
    """That day's sessions."""
    return sessions(joined([parts_of(block) for block in decoded]))


MOMENTS = st.one_of(st.sampled_from([0.0, 1.0]), st.integers(0, 86_399_999_999).map(lambda number: number / 1e6))
EVENTS = st.fixed_dictionaries(
    {
        "session": st.sampled_from(["", "a", "b", "ü\0", "5a0f9203-9daf-42ee-9812-25dd2d7443c3"]),
        "second": MOMENTS,
        "sequence_number": st.integers(1, 3),
        "customer_id": st.none() | st.integers(1, 2**62),
        "event_type": st.sampled_from(tables.WEB_EVENT_TYPES),
        "order_id": st.none() | st.integers(1, 2**62),
        "uri": st.text("/äx", max_size=4),
        "city": st.text("äx", max_size=2),
        "country": st.sampled_from(tables.COUNTRIES),
    }
)


@st.composite
def days(draw):
    """Events of a day with an id each, in any order."""
    rows = draw(st.lists(EVENTS, max_size=30))
    ids = draw(st.permutations(range(1, len(rows) + 1)))
    return [event(number, **row) for number, row in zip(ids, rows, strict=True)]


@settings(deadline=None, max_examples=100)
@given(days(), st.sampled_from([lambda events: events, encoded]))
def test_sessions_equal_those_computed_event_by_event(events, encoding):
    rows = sessions(parts_of(encoding(batch(events))))
    assert rows.schema == tables.SESSIONS.arrow_schema
    rows.validate(full=True)
    assert rows.to_pylist() == sessions_of(events)


@settings(deadline=None, max_examples=100)
@given(days(), st.data())
def test_any_split_order_and_grouping_gives_the_same_bytes(events, data):
    whole = sessions(parts_of(batch(events)))
    into = data.draw(st.lists(st.integers(0, 4), min_size=len(events), max_size=len(events)))
    batches = [[row for row, to in zip(events, into, strict=True) if to == number] for number in range(5)]
    encoding = st.sampled_from([lambda events: events, encoded])
    waiting = [parts_of(data.draw(encoding)(batch(rows))) for rows in batches]
    while len(waiting) > 1:
        waiting = data.draw(st.permutations(waiting))
        some = data.draw(st.integers(2, len(waiting)))
        waiting = [joined(waiting[:some]), *waiting[some:]]
    assert bytes_of(sessions(waiting[0])) == bytes_of(whole)
    assert sessions(waiting[0]).equals(whole)


def test_the_worlds_sessions_equal_those_computed_event_by_event(decoded, whole):
    events = [row for block in decoded for row in block.to_pylist()]
    assert len(decoded) > 1
    assert whole.num_rows > 2_000
    assert whole.to_pylist() == sessions_of(events)


def test_the_worlds_sessions_are_the_same_from_events_in_any_order(decoded, whole):
    table = pa.Table.from_batches(decoded).unify_dictionaries().combine_chunks()
    order = np.random.default_rng(1).permutation(table.num_rows)
    shuffled = table.take(pa.array(order)).combine_chunks().to_batches(max_chunksize=5_000)
    again = sessions(joined([parts_of(part) for part in shuffled]))
    assert bytes_of(again) == bytes_of(whole)


def test_parts_exchanged_by_bucket_give_the_same_sessions(decoded, whole):
    buckets = defaultdict(list)
    for block in decoded:
        parts = parts_of(block.slice(100))
        for part in (parts, parts_of(block.slice(0, 100))):
            bucket = bucket_of(part, 7)
            for number in range(7):
                buckets[number].append(pickle.loads(pickle.dumps(part.filter(pa.array(bucket == number)))))
    found = [sessions(joined(parts)) for parts in buckets.values()]
    assert sum(rows.num_rows for rows in found) == whole.num_rows
    order = [("started_at", "ascending"), ("session_id", "ascending")]
    assert pa.Table.from_batches(found).sort_by(order).equals(pa.Table.from_batches([whole]))


def test_what_a_visit_becomes():
    visit = [
        event(5, "a", 0, uri="/landing", city="Ulm", traffic_source="Adwords"),
        event(6, "a", 10.5, event_type="product", uri="/product/7", customer_id=3),
        event(7, "a", 20, event_type="cart", uri="/cart", customer_id=4),
        event(8, "a", 60.4, event_type="purchase", uri="/purchase", order_id=11, city="Bonn"),
        event(9, "a", 60.9, event_type="home", uri="/exit", order_id=12),
    ]
    (row,) = sessions(parts_of(batch(visit))).to_pylist()
    assert row == {
        "session_id": "a",
        "customer_id": 4,
        "started_at": MIDNIGHT,
        "ended_at": MIDNIGHT + timedelta(seconds=60.9),
        "duration_seconds": 60,
        "events": 5,
        "product_views": 1,
        "landing_page": "/landing",
        "exit_page": "/exit",
        "carted": True,
        "purchased": True,
        "order_id": 11,
        "traffic_source": "Adwords",
        "browser": "Chrome",
        "device": "mobile",
        "city": "Ulm",
        "state": "Alabama",
        "country": "United States",
    }


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_at_one_moment_the_sequence_decides_and_then_the_id(order):
    same = [
        event(30, "a", sequence_number=1, uri="/first", customer_id=1),
        event(10, "a", sequence_number=2, uri="/second", customer_id=2),
        event(20, "a", sequence_number=2, uri="/third", customer_id=3),
    ]
    parts = [parts_of(batch([same[number]])) for number in order]
    for found in (joined(parts), parts_of(batch([same[number] for number in order]))):
        (row,) = sessions(found).to_pylist()
        assert (row["landing_page"], row["exit_page"], row["customer_id"]) == ("/first", "/third", 3)


def test_sessions_that_begin_together_are_ordered_by_their_ids():
    rows = sessions(
        parts_of(batch([event(number, name, 1) for number, name in enumerate("cbad", 1)] + [event(9, "z")]))
    )
    assert rows["session_id"].to_pylist() == ["z", "a", "b", "c", "d"]


@pytest.mark.parametrize("encoding", [lambda events: events, encoded])
def test_no_events_are_no_sessions(encoding):
    nothing = parts_of(encoding(batch([])))
    assert nothing.equals(joined([]))
    assert nothing.equals(joined([nothing, nothing]))
    assert nothing.schema == PARTS
    assert bucket_of(nothing, 3).tolist() == []
    assert sessions(nothing).equals(pa.RecordBatch.from_pylist([], schema=tables.SESSIONS.arrow_schema))


def test_codes_of_any_width_are_read(decoded):
    block = decoded[0].slice(1_000, 60)
    plain = pa.RecordBatch.from_pylist(block.to_pylist(), schema=tables.WEB_EVENTS.arrow_schema)
    expected = sessions(parts_of(block))
    for events in (plain, encoded(plain, pa.int8()), encoded(plain, pa.uint16()), encoded(plain, pa.int64())):
        assert sessions(parts_of(events)).equals(expected)


@pytest.mark.parametrize(("event_type", "column"), [("home", "first"), ("purchase", "order")])
def test_an_event_that_comes_twice_is_refused(event_type, column):
    rows = [event(17, "a", event_type=event_type, order_id=1), event(18, "a", 1)]
    with pytest.raises(ValueError, match="event_id: expected every event once, got 17 twice in session a"):
        parts_of(batch([*rows, rows[0]]))
    with pytest.raises(ValueError, match="event_id: expected every event once, got 17 twice in session a"):
        joined([parts_of(batch(rows)), parts_of(batch([event(19, "b")])), parts_of(batch(rows[:1]))])


@pytest.mark.parametrize("name", ["session_id", "event_id", "occurred_at", "event_type", "uri", "city"])
def test_a_value_that_is_missing_is_named(name, batch_of):
    events = [event(1, "a"), event(2, "a") | {name: None}]
    with pytest.raises(ValueError, match=f"{name}: expected a value in every event, got 1 nulls"):
        parts_of(batch_of(tables.WEB_EVENTS, events))


def test_a_column_of_another_type_is_named():
    events = batch([event(1, "a")])
    at = events.schema.get_field_index("sequence_number")
    narrow = events.set_column(at, "sequence_number", events["sequence_number"].cast(pa.int32()))
    with pytest.raises(ValueError, match="sequence_number: expected int64, got int32"):
        parts_of(narrow)
    with pytest.raises(KeyError, match="sequence_number"):
        parts_of(events.remove_column(at))


def hash_of(text):
    """The hash of a string as bucket_of has it, a number at a time."""
    content = text.encode()
    found = len(content)
    for start in range(0, len(content), 8):
        word = content[start : start + 8]
        found ^= int.from_bytes(word, "little") << 8 * (8 - len(word))
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            found = (found ^ found >> 33) * factor % 2**64
        found ^= found >> 33
    return found


def parts_with(ids):
    return pa.RecordBatch.from_arrays([pa.array(ids, pa.string())], names=["session_id"])


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), max_size=20), st.integers(1, 2**62), st.integers(0, 20))
def test_buckets_are_the_same_everywhere(ids, buckets, start):
    assert bucket_of(parts_with(ids), buckets).tolist() == [hash_of(text) % buckets for text in ids]
    assert bucket_of(parts_with(ids).slice(start), buckets).tolist() == [
        hash_of(text) % buckets for text in ids[start:]
    ]


@pytest.mark.parametrize("buckets", [2, 64, 100])
def test_buckets_are_of_a_size(buckets, whole):
    numbered = [f"session-{number}" for number in range(whole.num_rows)]
    for ids in (whole["session_id"], numbered, ["x" * number for number in range(2_000)]):
        sizes = np.bincount(bucket_of(parts_with(ids), buckets), minlength=buckets)
        expected = len(ids) / buckets
        # Five standard deviations of a bucket's size if strings fell into buckets by lot.
        assert np.abs(sizes - expected).max() < 5 * np.sqrt(expected)


def test_without_a_bucket_there_is_none_to_choose():
    with pytest.raises(ValueError, match="buckets: expected at least 1, got 0"):
        bucket_of(joined([]), 0)
