"""What a partition is loaded from, as a fingerprint: it changes with all that matters and with nothing else."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.options import Period
from beam_pipelines.schema import Column, Table, Type
from beam_pipelines.transforms.inputs import FOLLOWING, content_of, input_of
from beam_pipelines.transforms.lake_planning import Circumstances, TablePlan
from beam_pipelines.transforms.lake_schemas import with_more
from beam_pipelines.transforms.partitions import Held
from beam_pipelines.transforms.references import DayKey, LastKeys
from tests.transforms.lakes import DAY, NOTHING_KNOWN
from tests.transforms.manifests import file_of, files_in, lakes, manifest_of, partitions_of, plan_of

BEFORE = DAY - timedelta(1)
FEE = Column(name="fee", type=Type.STRING, nullable=True)
KEYS = LastKeys([DayKey(table.name, BEFORE.toordinal(), 5) for table in tables.LAKE])


def source(day: date = DAY, name: str = "a", rows: int = 3, late: int = 0, part: int = 0):
    return day, file_of(part, 2, 9, label=name), Held(rows, late)


SOURCES = (source(),)


def of(table: Table = tables.ORDERS, sources=SOURCES, days=(DAY,), last_keys=KEYS, products="p") -> str:
    return input_of(table, sources, days, last_keys, products)


def keys_with(table: str, number: int) -> LastKeys:
    return LastKeys([DayKey(one.name, BEFORE.toordinal(), number if one.name == table else 5) for one in tables.LAKE])


DIFFERENT = {
    "another table": of(tables.WEB_EVENTS),
    "another content": of(sources=[source(name="b")]),
    "another file": of(sources=[source(part=1)]),
    "more files": of(sources=[source(), source(part=1)]),
    "another day": of(sources=[source(day=BEFORE)]),
    "other rows": of(sources=[source(rows=2)]),
    "other late rows": of(sources=[source(late=1)]),
    "another day of its own": of(days=[DAY, BEFORE]),
    "no file": of(sources=[]),
    "other products": of(products="q"),
    "more columns": of(with_more("orders", (FEE,))),
    "more customers": of(last_keys=keys_with("customers", 6)),
    "more units": of(last_keys=keys_with("inventory_items", 6)),
}


def test_whatever_matters_makes_a_difference():
    assert len({of(), *DIFFERENT.values()}) == len(DIFFERENT) + 1


@pytest.mark.parametrize(
    "same",
    [
        of(sources=[(DAY, replace(source()[1], bytes=77, sums={"total": "1.00"}), Held(3))]),
        of(last_keys=keys_with("web_events", 6)),
        of(days=iter([DAY])),
    ],
    ids=["its codec", "what it does not refer to", "how days are given"],
)
def test_nothing_else_makes_a_difference(same):
    assert same == of()


def test_products_matter_to_orders_only():
    assert of(tables.WEB_EVENTS, products="q") == of(tables.WEB_EVENTS)


def test_the_order_of_files_and_days_makes_no_difference():
    sources, days = [source(), source(part=1), source(day=BEFORE)], [DAY, BEFORE]
    assert of(sources=sources, days=days) == of(sources=sources[::-1], days=days[::-1])


def test_the_content_of_a_day_is_that_of_its_files():
    one, other = (manifest_of(tables.PRODUCTS, DAY, [{DAY: rows}]) for rows in (1, 2))
    assert content_of(one) == content_of(replace(one, codec="null", bytes=1))
    assert content_of(one) != content_of(other)


def held_by(plan: TablePlan, table: Table) -> Circumstances:
    """A warehouse that holds what a plan has had loaded, and what follows from it."""
    names = [table.name, *(following.name for following in FOLLOWING.get(table.name, ()))]
    loaded = {(name, target.partition[1]): target.input for name in names for target in plan.targets}
    return replace(NOTHING_KNOWN, loaded=loaded)


PROPERTY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@PROPERTY
@given(lakes())
def test_what_is_held_already_is_not_loaded_again(some):
    table, whole, period = some
    plan = plan_of(table, whole, period)
    assert plan.unchanged == 0
    assert plan_of(table, whole, period, held_by(plan, table)) == TablePlan((), (), len(plan.targets))


@PROPERTY
@given(lakes(), st.data())
def test_a_file_that_has_changed_has_its_partitions_loaded_again_and_no_others(some, data):
    table, whole, period = some
    plan = plan_of(table, whole, period)
    candidates = [(day, number) for day, one in whole.items() for number in range(len(one.files))]
    if not candidates:
        return
    day, number = data.draw(st.sampled_from(candidates))
    files = list(whole[day].files)
    files[number] = replace(files[number], fingerprint="another")
    changed = whole | {day: replace(whole[day], files=tuple(files))}
    again = plan_of(table, changed, period, held_by(plan, table))
    path = f"lake/{table.name}/dt={day}/{files[number].name}"
    expected = partitions_of(plan) & files_in(whole, table)[path].keys()
    assert partitions_of(again) == expected
    assert again.unchanged == len(plan.targets) - len(expected)
    read = {file.path for split in again.splits for file in split.files}
    assert read == {path for path, counts in files_in(whole, table).items() if counts.keys() & expected}


def test_orders_are_loaded_again_if_what_follows_from_them_is_not_as_it_was():
    whole = {day: manifest_of(tables.ORDERS, day, [{day: 3}]) for day in (BEFORE, DAY)}
    period = Period(BEFORE, DAY)
    plan = plan_of(tables.ORDERS, whole, period)
    known = held_by(plan, tables.ORDERS)
    without = {key: value for key, value in known.loaded.items() if key != ("daily_sales", f"{DAY:%Y%m%d}")}
    again = plan_of(tables.ORDERS, whole, period, replace(known, loaded=without))
    assert [target.partition for target in again.targets] == [("orders", f"{DAY:%Y%m%d}")]


def test_products_are_read_even_if_they_are_not_loaded():
    whole = {DAY: manifest_of(tables.PRODUCTS, DAY, [{DAY: 3}])}
    plan = plan_of(tables.PRODUCTS, whole, Period(DAY, DAY))
    again = plan_of(tables.PRODUCTS, whole, Period(DAY, DAY), held_by(plan, tables.PRODUCTS))
    assert (again.targets, again.unchanged) == ((), 1)
    assert again.splits == tuple(split._replace(only_read=("202511",)) for split in plan.splits)
