"""Web traffic as it is measured elsewhere: depth, funnel, who comes back, from where and with what."""

import ipaddress
from types import SimpleNamespace

import numpy as np
import pytest

from beam_pipelines import tables
from beam_pipelines.world import World, cohorts, draw, orders, sessions, visitors, web
from tests.world.web_days import CART, PRODUCT, PURCHASE, Events, web_events, web_orders

ORDINARY = (300, 700, 1_500, 2_000, 2_523)


@pytest.fixture(scope="module")
def events(world: World) -> Events:
    return web_events(world, ORDINARY)


@pytest.fixture(scope="module")
def placed(world: World) -> SimpleNamespace:
    return web_orders(world, ORDINARY)


def shares(codes: np.ndarray, values: tuple[str, ...]) -> dict[str, float]:
    return dict(zip(values, (np.bincount(codes, minlength=len(values)) / len(codes)).tolist(), strict=True))


def customer_of_session(events: Events) -> np.ndarray:
    return np.maximum.reduceat(events.customer, events.starts)


def test_depth_is_exponential_with_a_median_of_five(events: Events) -> None:
    depths = events.ends - events.starts
    assert np.median(depths) == 5
    assert depths.mean() == pytest.approx(8, rel=0.02)
    for depth in (1, 2, 4, 8, 12, 20, 30):
        assert (depths > depth).mean() == pytest.approx(2 ** -((depth + 0.5) / 5), abs=0.06), f"deeper than {depth}"


@pytest.mark.parametrize("number", range(sessions.LAYOUTS))
@pytest.mark.parametrize("seed", [42, 2**63 - 1])
def test_every_layout_has_the_same_depths(seed: int, number: int) -> None:
    depths = sessions.depths_of(seed, number)
    assert (np.sort(depths) == np.sort(sessions.depths_of(42, 0))).all()
    assert depths.sum() == 16_384
    assert depths[:: sessions.SLOTS].min() == sessions.SHORTEST_ORDERING
    deep = depths >= sessions.SHORTEST_ORDERING
    assert sessions.ORDERS / deep.sum() == pytest.approx(2 / 3, abs=0.01)
    assert depths[:100].tolist() != sessions.depths_of(seed, (number + 1) % sessions.LAYOUTS)[:100].tolist()


def test_blocks_take_all_layouts_in_turn() -> None:
    numbers = sessions.numbers(42, np.full(8_000, 2_000), np.arange(8_000))
    assert np.bincount(numbers, minlength=sessions.LAYOUTS).min() > 800


def test_funnel(events: Events) -> None:
    depths = events.ends - events.starts
    assert (depths <= 2).mean() == pytest.approx(0.30, abs=0.02)
    assert events.has(PRODUCT).mean() == pytest.approx(0.60, abs=0.03)
    assert 0.35 <= events.has(CART).mean() <= 0.40
    assert events.has(PURCHASE).mean() == pytest.approx(0.17, abs=0.01)


def test_deep_sessions_that_do_not_buy_often_cancel(events: Events) -> None:
    cancels = events.has(5).sum() / (len(events.starts) / sessions.SLOTS - events.has(PURCHASE).sum())
    assert cancels == pytest.approx(web.CANCELS, abs=0.02)


def test_most_who_do_not_order_never_sign_in(events: Events) -> None:
    anonymous = customer_of_session(events) == 0
    assert anonymous[~events.has(PURCHASE)].mean() == pytest.approx(sessions.ANONYMOUS, abs=0.03)
    assert not anonymous[events.has(PURCHASE)].any()


def test_sign_ins_are_at_once_or_on_the_way(events: Events) -> None:
    known = customer_of_session(events) > 0
    at_once = events.customer[events.starts][known] > 0
    assert 0.35 < at_once.mean() < 0.65


def test_carts_are_finished_in_a_later_session(events: Events, placed: SimpleNamespace) -> None:
    """Of each customer's sessions of the day, an earlier one has a cart and the order's first product."""
    who = customer_of_session(events)
    last = events.at[events.ends - 1]
    carted = np.flatnonzero(events.has(CART) & ~events.has(PURCHASE) & (who > 0))
    by_customer: dict[tuple[int, int], list[int]] = {}
    for session in carted.tolist():
        by_customer.setdefault((int(who[session]), int(events.day[events.starts[session]])), []).append(session)
    bought = np.flatnonzero(events.type == PURCHASE)
    resumed = pauses = 0
    for event, products in zip(bought.tolist(), placed.products, strict=True):
        own = events.session[event]
        for session in by_customer.get((int(events.customer[event]), int(events.day[event])), []):
            seen = set(events.product[events.starts[session] : events.ends[session]].tolist())
            if last[session] < events.at[events.starts[own]] and int(products[0]) in seen:
                resumed += 1
                pauses += int(events.at[events.starts[own]] - last[session]) >= 1_800_000_000
    assert resumed / len(bought) == pytest.approx(0.15, abs=0.03)
    assert pauses / resumed > 0.9, "most come back after half an hour or later"


def test_heavy_browsers_make_a_tenth_of_the_traffic_and_few_orders(events: Events, world: World) -> None:
    assert visitors.is_heavy(42, np.arange(1, 1 + 100 * cohorts.COHORT)).mean() == pytest.approx(0.01, abs=0.001)
    known = events.customer[events.customer > 0]
    assert visitors.is_heavy(42, known).mean() == pytest.approx(0.10, abs=0.025)
    buyers = np.concatenate([orders.placed(42, 1.0, day, 0, 2_000).customer_id for day in range(1_500, 1_520)])
    assert visitors.is_heavy(42, buyers).mean() < 0.01


def test_heavy_browsers_are_no_power_buyers() -> None:
    ids = np.arange(1, 1 + 20 * cohorts.COHORT)
    assert not (visitors.is_heavy(42, ids) & cohorts.is_power_buyer(42, ids)).any()


def test_recent_customers_come_more_often(events: Events) -> None:
    own = (events.day == 2_523) & (events.customer > 0)
    ids = events.customer[own]
    assert np.median(ids) / ids.max() == pytest.approx(2**-0.5, abs=0.08)


def test_browsers_and_traffic_sources_come_up_like_thelooks(events: Events) -> None:
    wanted = {"Chrome": 0.50, "Safari": 0.20, "Firefox": 0.20, "IE": 0.05, "Other": 0.05}
    assert shares(events.codes("browser"), tables.BROWSERS) == pytest.approx(wanted, abs=0.015)
    wanted = {"Email": 0.45, "Adwords": 0.30, "Organic": 0.05, "YouTube": 0.10, "Facebook": 0.10}
    assert shares(events.codes("traffic_source"), tables.WEB_TRAFFIC_SOURCES) == pytest.approx(wanted, abs=0.01)


def test_browsers_run_on_devices_that_have_them(events: Events) -> None:
    browsers, devices = events.codes("browser"), events.codes("device")
    pairs = {(tables.BROWSERS[one], tables.DEVICES[other]) for one, other in zip(browsers, devices, strict=True)}
    assert {device for browser, device in pairs if browser == "IE"} == {"desktop"}
    assert {browser for browser, _ in pairs} == set(tables.BROWSERS)
    found = shares(devices, tables.DEVICES)
    assert found["desktop"] > found["mobile"] > found["tablet"] > 0.03


def test_visitors_keep_their_equipment(events: Events) -> None:
    who = customer_of_session(events)
    columns = [events.text(name) for name in ("browser", "device", "ip_address", "city")]
    machines: dict[int, set[tuple[str, str]]] = {}
    addresses: dict[tuple[int, str], set[str]] = {}
    for session in np.flatnonzero(who > 0).tolist():
        browser, device, address, city = (column[session] for column in columns)
        machines.setdefault(int(who[session]), set()).add((browser, device))
        addresses.setdefault((int(who[session]), city), set()).add(address)
    assert max(map(len, machines.values())) == 2
    assert 0 < np.mean([len(found) == 2 for found in machines.values()]) < 0.1
    assert max(map(len, addresses.values())) == 1


def test_addresses_lie_in_the_city_and_are_public(events: Events) -> None:
    cities: dict[str, set[tuple[str, str]]] = {}
    for address, city, state in zip(*(events.text(name) for name in ("ip_address", "city", "state")), strict=True):
        cities.setdefault(address.rsplit(".", 2)[0], set()).add((city, state))
    assert max(map(len, cities.values())) == 1
    assert len(cities) > 1_500
    distinct = set(events.text("ip_address").tolist())
    assert all(ipaddress.ip_address(address).is_global for address in sorted(distinct)[::20])
    assert len(distinct) > 0.8 * len(np.unique(customer_of_session(events)))


def test_countries_visit_when_they_are_awake(events: Events) -> None:
    hour = (events.at[events.starts] // 3_600_000_000) % 24
    country = events.codes("country")
    for name, busy, quiet in (("China", 11, 20), ("United States", 23, 10)):
        own = hour[country == tables.COUNTRIES.index(name)]
        assert (own == busy).sum() > 4 * (own == quiet).sum(), name


@pytest.mark.parametrize("before", [1, 3, 1_000, 1_024, 50_000])
def test_visitors_have_signed_up_before_the_day(before: int) -> None:
    rng = np.random.default_rng(before)
    words, lots = (rng.integers(0, 2**64, 4_000, np.uint64) for _ in range(2))
    times = np.sort(rng.integers(0, 86_400_000_000, 4_000))
    country, place, _, _ = draw.halves(lots)
    found = visitors.drawn(42, before, times, words, (country, place), np.arange(0, 4_000, 9))
    assert found.min() >= 1
    assert found.max() <= before
    assert len(np.unique(found)) > 0.5 * min(before, 4_000 / 3)
