"""Sessions of the web shop out of their events, which may lie in any batch, file or worker, in any order.

A session is all events of one ``session_id`` within one UTC day; a caller never mixes days. A batch of events becomes
partial sessions, a few hundred bytes each (:func:`parts_of`); those of one session are brought together by
:func:`bucket_of` and merged (:func:`joined`), and what comes out are rows (:func:`sessions`). An event is a partial
session of one, and both functions merge by the same reduction, so it does not matter how the events were split.

Events of a session are ordered by ``occurred_at``, then ``sequence_number``, then ``event_id``. Every event comes once:
an ``event_id`` that is there twice, first or last of its kind in a session, is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines import tables
from beam_pipelines.columns import TIMESTAMP, integers

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

_VISIT = ("traffic_source", "browser", "device", "city", "state", "country")
"""Columns that a session has from its first event."""

_ORDER = ("occurred_at", "sequence_number", "event_id")
"""Columns by which the events of a session are ordered."""

_USED = ("session_id", *_ORDER, "event_type", "uri", "customer_id", "order_id", *_VISIT)


def _moment(event: str) -> tuple[str, str, str]:
    """The columns of a partial session by which one of its events is compared with those of other parts."""
    return f"{event}_at", f"{event}_sequence_number", f"{event}_event_id"


_CHOSEN = {
    "first": ("landing_page", *_VISIT),
    "last": ("exit_page",),
    "customer": ("customer_id",),
    "order": ("order_id",),
}
"""The events that decide about a session, and what it has from each: its first and last, the last with a customer, and
the last purchase with an order."""

_COUNTED = {"product_views": "product", "carts": "cart", "purchases": "purchase"}
"""The types of events that a partial session counts."""


def _parts_schema() -> pa.Schema:
    fields = [tables.SESSIONS.column("session_id").arrow_field]
    fields += [pa.field(name, pa.int64(), nullable=False) for name in ("events", *_COUNTED)]
    for event, names in _CHOSEN.items():
        nullable = event in ("customer", "order")
        kinds = (TIMESTAMP, pa.int64(), pa.int64())
        fields += [pa.field(name, kind, nullable) for name, kind in zip(_moment(event), kinds, strict=True)]
        fields += [tables.SESSIONS.column(name).arrow_field for name in names]
    return pa.schema(fields)


PARTS: pa.Schema = _parts_schema()
"""A partial session: what some of a session's events say of it, and of the events that decide, when they were."""

_NONE = pa.RecordBatch.from_pylist([], schema=PARTS)


def parts_of(events: pa.RecordBatch) -> pa.RecordBatch:
    """The partial sessions of a batch of ``tables.WEB_EVENTS`` of one day, one for each session, in no special order.

    Strings may be dictionary-encoded, and sessions are found faster if ``session_id`` is. Cheapest is a batch in which
    the events of a session are consecutive, as in the lake.

    Raises:
        KeyError: A column is missing.
        ValueError: A column is of another type than declared, a required one has nulls, or an event comes twice.

    Returns:
        A batch of PARTS.
    """
    events = events.select(_USED)
    for name in _USED:
        _check(name, events.column(name))
    events, codes = _consecutive(events, _codes(events.column("session_id")))
    return _by_session(_single_events(events), codes)


def joined(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Partial sessions, those of one session merged, in no special order.

    Associative and commutative: parts may be joined in any order and grouping, with the same rows in the end.

    Raises:
        ValueError: An event comes twice.

    Returns:
        A batch of PARTS, one row for each session.
    """
    rows = pa.concat_batches([_NONE, *parts])
    codes = _codes(rows.column("session_id"))
    # Most sessions are whole as they are.
    several = np.bincount(codes).take(codes) > 1
    if several.any():
        merged = _by_session(*_consecutive(rows.filter(pa.array(several)), codes[several]))
        rows = pa.concat_batches([rows.filter(pa.array(~several)), merged])
    return rows


def sessions(parts: pa.RecordBatch) -> pa.RecordBatch:
    """Sessions as a batch of ``tables.SESSIONS``, by ``started_at`` and then ``session_id``.

    ``parts`` is a batch of PARTS in which every session has one row, as :func:`joined` returns it.
    """
    columns = {name: parts.column(name) for name in parts.schema.names}
    columns["started_at"], columns["ended_at"] = columns["first_at"], columns["last_at"]
    columns["carted"] = pc.greater(columns["carts"], 0)
    columns["purchased"] = pc.greater(columns["purchases"], 0)
    microseconds = integers(columns["last_at"]) - integers(columns["first_at"])
    columns["duration_seconds"] = pa.array(microseconds // 1_000_000)
    schema = tables.SESSIONS.arrow_schema
    rows = pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
    return rows.take(pa.array(_order_of(rows)))


def bucket_of(parts: pa.RecordBatch, buckets: int) -> I64:
    """The bucket of each partial session, 0 to ``buckets`` - 1: the same for a ``session_id`` wherever it is asked for.

    ValueError if there is no bucket.
    """
    if buckets < 1:
        raise ValueError(f"buckets: expected at least 1, got {buckets}")
    remainders = _hashes(parts.column("session_id")) % np.uint64(buckets)
    return remainders.astype(np.int64)


def _check(name: str, array: pa.Array[Any]) -> None:
    """ValueError unless it is what ``tables.WEB_EVENTS`` declares, or that dictionary-encoded."""
    declared = tables.WEB_EVENTS.column(name)
    kind = array.type.value_type if isinstance(array, pa.DictionaryArray) else array.type
    if kind != declared.arrow_type:
        raise ValueError(f"{name}: expected {declared.arrow_type}, got {kind}")
    if array.null_count and not declared.nullable:
        raise ValueError(f"{name}: expected a value in every event, got {array.null_count:,} nulls")


def _single_events(events: pa.RecordBatch) -> pa.RecordBatch:
    """Every event as a partial session of its own, as in PARTS but for types that are cast later."""
    columns = {name: events.column(name) for name in ("session_id", "customer_id", *_VISIT)}
    columns["landing_page"] = columns["exit_page"] = events.column("uri")
    for event in _CHOSEN:
        columns |= {to: events.column(name) for to, name in zip(_moment(event), _ORDER, strict=True)}
    event_type = events.column("event_type")
    kinds = event_type if isinstance(event_type, pa.DictionaryArray) else event_type.dictionary_encode()
    codes, known = kinds.indices.to_numpy(), kinds.dictionary
    counted = {
        name: pc.equal(known, kind).to_numpy(zero_copy_only=False).astype(np.int64).take(codes)
        for name, kind in _COUNTED.items()
    }
    columns |= {name: pa.array(counts) for name, counts in counted.items()}
    columns["events"] = pa.array(np.ones(len(kinds), np.int64))
    columns["order_id"] = pc.if_else(pa.array(counted["purchases"] > 0), events.column("order_id"), None)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _codes(array: pa.Array[Any]) -> I64:
    """Numbers from 0 on that equal strings have in common; some may be left out."""
    if isinstance(array, pa.DictionaryArray):
        # Nothing forbids a dictionary to have a string twice.
        codes: I64 = _codes(array.dictionary).take(array.indices.to_numpy())
    else:
        codes = array.dictionary_encode().indices.to_numpy().astype(np.int64)
    return codes


def _consecutive(rows: pa.RecordBatch, codes: I64) -> tuple[pa.RecordBatch, I64]:
    """The rows and their codes, ordered by these."""
    if (codes[1:] >= codes[:-1]).all():
        return rows, codes
    # Of 16 bits numbers are sorted by counting, several times as fast.
    order = np.argsort(codes.astype(np.uint16) if codes.max() < 1 << 16 else codes, kind="stable")
    return rows.take(pa.array(order)), codes.take(order)


def _by_session(parts: pa.RecordBatch, codes: I64) -> pa.RecordBatch:
    """The parts of each session merged, where those of a session, which have one code, are consecutive."""
    begins = _begins(codes)
    session = np.arange(len(begins)).repeat(_sizes(begins, len(codes)))
    columns = {"session_id": _taken(parts.column("session_id"), pa.array(begins))}
    for event, names in _CHOSEN.items():
        row = _rows_of(event, parts, session)
        positions = pa.array(row, mask=row < 0)
        columns |= {name: _taken(parts.column(name), positions) for name in (*_moment(event), *names)}
    for name in ("events", *_COUNTED):
        columns[name] = pa.array(np.add.reduceat(_integers(parts.column(name)), begins))
    return pa.RecordBatch.from_arrays([columns[field.name].cast(field.type) for field in PARTS], schema=PARTS)


def _rows_of(event: str, parts: pa.RecordBatch, session: I64) -> I64:
    """The row of each session that has its deciding event, -1 for a session without one.

    ``session`` is the number of each row's session, dense from 0 and never decreasing.
    """
    best = np.minimum if event == "first" else np.maximum
    value = parts.column(_CHOSEN[event][0])
    rows, own = np.arange(len(parts)), session
    if value.null_count:
        rows = np.flatnonzero(value.is_valid().to_numpy(zero_copy_only=False))
        own = session.take(rows)
    for name in _moment(event):
        moments = _integers(parts.column(name))
        moments = moments if len(rows) == len(moments) else moments.take(rows)
        begins = _begins(own)
        sizes = _sizes(begins, len(own))
        if ((moments[1:] > moments[:-1]) | (own[1:] != own[:-1])).all():
            # In order already, as nearly always in the lake.
            rows = rows.take(begins if event == "first" else begins + sizes - 1)
        else:
            rows = rows[moments == best.reduceat(moments, begins).repeat(sizes)]
        own = session.take(rows)
        if len(rows) == len(begins):
            break
    else:
        raise _twice(parts, _moment(event)[-1], rows[np.flatnonzero(own[1:] == own[:-1])[0]])
    chosen = np.full(session[-1] + 1 if len(session) else 0, -1)
    chosen[own] = rows
    return chosen


def _twice(parts: pa.RecordBatch, event_id: str, row: int) -> ValueError:
    event, session = parts.column(event_id)[row], parts.column("session_id")[row]
    return ValueError(f"event_id: expected every event once, got {event} twice in session {session}")


def _order_of(rows: pa.RecordBatch) -> I64:
    """The rows by ``started_at`` and then ``session_id``."""
    started_at = integers(rows.column("started_at"))
    order = np.argsort(started_at, kind="stable")
    same = np.diff(started_at.take(order)) == 0
    if same.any():
        # Only where times are equal are strings compared.
        places = np.flatnonzero(np.append(same, False) | np.append(False, same))
        tied = rows.select(["started_at", "session_id"]).take(pa.array(order[places]))
        by_both = pc.sort_indices(tied, [("started_at", "ascending"), ("session_id", "ascending")])
        order[places] = order[places].take(by_both.to_numpy())
    return order


def _hashes(strings: pa.StringArray) -> U64:
    """A number of 64 bits of each string's bytes, which no version of anything changes; every bit depends on all."""
    if not len(strings):
        return np.zeros(0, np.uint64)
    _, offsets, data = strings.buffers()
    bounds = np.frombuffer(offsets, "<i4", len(strings) + 1, strings.offset * 4).astype(np.int64)
    text = np.zeros(bounds[-1] + 8, np.uint8)
    if data:
        text[:-8] = np.frombuffer(data, np.uint8, bounds[-1])
    words = np.ndarray(len(text) - 7, "<u8", text, strides=(1,))
    lengths = np.diff(bounds)
    hashes = lengths.astype(np.uint64)
    rows = np.arange(len(strings))
    for done in range(0, lengths.max(initial=0), 8):
        rows = rows[lengths.take(rows) > done]
        beyond = (64 - 8 * (lengths.take(rows) - done)).clip(0).view(np.uint64)
        word = words[bounds.take(rows) + done] << beyond
        hashes[rows] = _mixed(hashes.take(rows) ^ word)
    return hashes


def _mixed(words: U64) -> U64:
    """Each word with every bit depending on all of its bits: the last step of MurmurHash3, which is one to one."""
    words = (words ^ (words >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    words = (words ^ (words >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return words ^ (words >> np.uint64(33))


def _taken(array: pa.Array[Any], positions: pa.Array[Any]) -> pa.Array[Any]:
    """The values at these positions, null where a position is; not dictionary-encoded."""
    if isinstance(array, pa.DictionaryArray):
        return array.dictionary.take(array.indices.take(positions))
    return array.take(positions)


def _begins(codes: I64) -> I64:
    """Where runs of equal codes begin."""
    changes = np.ones(len(codes), bool)
    np.not_equal(codes[1:], codes[:-1], out=changes[1:])
    return np.flatnonzero(changes)


def _sizes(begins: I64, rows: int) -> I64:
    """The lengths of runs that begin there and end with all ``rows``."""
    return np.append(begins[1:], rows)[: len(begins)] - begins


def _integers(array: pa.Array[Any]) -> I64:
    """The values of an INT64, or the microseconds of a TIMESTAMP array, not copied; those of nulls are arbitrary."""
    if not len(array):
        return np.zeros(0, np.int64)
    return np.frombuffer(array.buffers()[1], np.int64, len(array), array.offset * 8)
