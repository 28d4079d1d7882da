"""What the queries about customers and their orders have to give, computed row by row in Python."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from itertools import pairwise
from statistics import correlation, mean, variance
from zoneinfo import ZoneInfo

from .thelook_answers_sales import Answer, month_of, revenue
from .thelook_shop import Row, Shop, grouped, rounded


def months_between(later: dt.date, earlier: dt.date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def nearest_rank(values: list[float], share: float) -> float:
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def interpolated(values: list[float], share: float) -> float:
    ordered, place = sorted(values), share * (len(values) - 1)
    low = math.floor(place)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (place - low)


def first_orders(shop: Shop) -> dict[int, dt.datetime]:
    by_user = grouped(shop.orders, lambda order: order.user_id)
    return {user: min(order.created_at for order in orders) for user, orders in by_user.items()}


def customers_with_most_orders(shop: Shop) -> Answer:
    counts = Counter(order.user_id for order in shop.orders)
    ranked = sorted(shop.users, key=lambda user: (-counts[user.id], user.id))[:12]
    return [(user.id, f"{user.first_name} {user.last_name}", counts[user.id]) for user in ranked]


def cohort_retention(shop: Shop) -> Answer:
    first = first_orders(shop)
    seen = {
        (month_of(first[order.user_id]), months_between(order.created_at, first[order.user_id]), order.user_id)
        for order in shop.orders
    }
    active = Counter((cohort, number) for cohort, number, _ in seen)
    return [
        (cohort, number, count, active[cohort, 0], rounded(count / active[cohort, 0], 4))
        for (cohort, number), count in sorted(active.items())
    ]


def cohort_retention_pivot(shop: Shop) -> Answer:
    cells = {(row[0], row[1]): row[2] for row in cohort_retention(shop)}
    cohorts = sorted({cohort for cohort, _ in cells})
    return [(f"{cohort:%Y-%m}", *(cells.get((cohort, number), 0) for number in range(4))) for cohort in cohorts]


def _rfm(shop: Shop, statuses: set[str]) -> list[tuple[int, int, int, float]]:
    rows = []
    kept = [item for item in shop.order_items if not statuses or item.status in statuses]
    for user, items in grouped(kept, lambda item: item.user_id).items():
        newest = max(item.created_at for item in items).date()
        orders = len({item.order_id for item in items})
        rows.append((user, (dt.date(2024, 12, 31) - newest).days, orders, revenue(items)))
    return rows


def _quarters(ordered: list[int]) -> dict[int, int]:
    """NTILE(4): the larger buckets come first."""
    size, larger = divmod(len(ordered), 4)
    edges = [0]
    for bucket in range(4):
        edges.append(edges[-1] + size + (bucket < larger))
    return {user: b + 1 for b in range(4) for user in ordered[edges[b] : edges[b + 1]]}


def rfm_ntile(shop: Shop) -> Answer:
    rows = _rfm(shop, {"Complete"})
    recent = _quarters([row[0] for row in sorted(rows, key=lambda row: (-row[1], row[0]))])
    often = _quarters([row[0] for row in sorted(rows, key=lambda row: (row[2], row[0]))])
    much = _quarters([row[0] for row in sorted(rows, key=lambda row: (row[3], row[0]))])

    def segment(r: int, f: int, m: int) -> str:
        if r == 4 and f >= 3 and m >= 3:
            return "Champions"
        if r >= 3 and f >= 2:
            return "Loyal"
        if r <= 2 and f >= 3:
            return "At risk"
        return "Lost" if r == 1 else "Others"

    return [
        (*row, f"{recent[row[0]]}{often[row[0]]}{much[row[0]]}", segment(recent[row[0]], often[row[0]], much[row[0]]))
        for row in rows
    ]


def rfm_approx_quantiles(shop: Shop) -> Answer:
    rows = _rfm(shop, set())
    bounds = [nearest_rank([row[3] for row in rows], share) for share in (0.25, 0.5, 0.75, 1)]
    return [(user, next(at for at, bound in enumerate(bounds, 1) if spent <= bound)) for user, _, _, spent in rows]


def rfm_percentile_cont(shop: Shop) -> Answer:
    rows = _rfm(shop, set())
    recency = [interpolated([row[1] for row in rows], share) for share in (0.33, 0.66)]
    spent = [interpolated([row[3] for row in rows], share) for share in (0.33, 0.66)]
    return [
        (row[0], 3 - sum(row[1] > edge for edge in recency), 1 + sum(row[3] > edge for edge in spent)) for row in rows
    ]


def days_between_orders(shop: Shop) -> Answer:
    rows = []
    for user, orders in grouped(shop.orders, lambda order: order.user_id).items():
        times = sorted(order.created_at for order in orders)
        pairs = list(pairwise(times))
        if pairs:
            calendar = [(later.date() - earlier.date()).days for earlier, later in pairs]
            whole = [(later - earlier).days for earlier, later in pairs]
            rows.append((user, len(pairs), mean(calendar), min(whole), max(whole)))
    return sorted(rows, key=lambda row: (row[2], row[0]))


def new_and_returning(shop: Shop) -> Answer:
    first = first_orders(shop)
    rows: Answer = []
    for month, orders in grouped(shop.orders, lambda order: month_of(order.created_at)).items():
        new = {order.user_id for order in orders if order.created_at == first[order.user_id]}
        old = {order.user_id for order in orders if order.created_at > first[order.user_id]}
        rows.append((month.year, month.month, len(new), len(old)))
    return rows


def customer_lifetime_value(shop: Shop) -> Answer:
    kept = [item for item in shop.order_items if item.status not in ("Cancelled", "Returned")]
    rows: list[tuple[int, str, int, float, float, int]] = []
    for user, items in grouped(kept, lambda item: item.user_id).items():
        orders, days = {item.order_id for item in items}, [item.created_at.date() for item in items]
        if len(orders) > 1:
            total = revenue(items)
            values = (len(orders), total, rounded(total / len(orders), 2), (max(days) - min(days)).days)
            rows.append((user, shop.users[user - 1].country, *values))
    ranked = sorted(rows, key=lambda row: (-row[3], row[0]))[:20]
    return [(*row, 1 + sum(other[1] == row[1] and other[3] > row[3] for other in rows)) for row in ranked]


def order_value_by_age_group(shop: Shop) -> Answer:
    def group(item: Row) -> tuple[str, str]:
        age = shop.user(item).age
        name = "under 20" if age < 20 else "20-39" if age < 40 else "40-59" if age < 60 else "60+"
        return name, shop.user(item).gender

    return [
        (*key, len({i.user_id for i in items}), rounded(revenue(items) / len({i.order_id for i in items}), 2))
        for key, items in grouped(shop.order_items, group).items()
    ]


def weekday_hours(shop: Shop) -> Answer:
    rows: Answer = []
    for day, orders in grouped(shop.orders, lambda order: order.created_at.isoweekday() % 7 + 1).items():
        hours = [order.created_at.hour for order in orders]
        there = [order.created_at.astimezone(ZoneInfo("America/New_York")).hour for order in orders]
        name = f"{orders[0].created_at:%A}"
        rows.append((day, name, len(orders), sum(9 <= hour <= 17 for hour in hours), rounded(mean(there), 3)))
    return rows


def weeks(shop: Shop) -> Answer:
    def of(day: dt.date) -> tuple[object, ...]:
        sunday = day - dt.timedelta(days=day.isoweekday() % 7)
        monday = day - dt.timedelta(days=day.weekday())
        since = ((sunday - dt.date(2023, 1, 1)).days // 7, (monday - dt.date(2022, 12, 26)).days // 7)
        return sunday, monday, day.isocalendar().week, int(f"{day:%U}"), *since

    found = Counter(of(order.created_at.date()) for order in shop.orders)
    return sorted((*key, count) for key, count in found.items())


def delivery_times(shop: Shop) -> Answer:
    def hours(later: dt.datetime, earlier: dt.datetime) -> int:
        return int((later - earlier).total_seconds() // 3600)

    rows: Answer = []
    delivered = [order for order in shop.orders if order.delivered_at]
    for country, orders in grouped(delivered, lambda order: shop.user(order).country).items():
        to_ship = mean((order.shipped_at - order.created_at).total_seconds() // 60 for order in orders) / 60
        transit: list[float] = [hours(order.delivered_at, order.shipped_at) for order in orders]
        slowest = max((order.delivered_at.date() - order.created_at.date()).days for order in orders)
        quantiles = (nearest_rank(transit, 0.5), nearest_rank(transit, 0.9))
        rows.append((country, len(orders), rounded(to_ship, 2), *quantiles, slowest))
    return rows


def youngest_and_oldest(shop: Shop) -> Answer:
    rows: Answer = []
    for gender, users in grouped(shop.users, lambda user: user.gender).items():
        ages = [user.age for user in users]
        for tag, age in (("Youngest", min(ages)), ("Oldest", max(ages))):
            names = sorted((user.first_name, user.last_name) for user in users if user.age == age)
            rows += [(gender, tag, age, *name) for name in names]
    return rows


def status_share(shop: Shop) -> Answer:
    counts = Counter(order.status for order in shop.orders)
    rows: Answer = []
    for status, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        share = count * 100 / len(shop.orders)
        rows.append((status, count, rounded(share, 2), f"{rounded(share, 1):g}%"))
    return rows


def status_by_gender_pivot(shop: Shop) -> Answer:
    statuses = ("Complete", "Shipped", "Processing", "Cancelled", "Returned")
    counts = Counter((order.gender, order.status) for order in shop.orders)
    return [(gender, *(counts[gender, status] for status in statuses)) for gender in "FM"]


def categories_per_customer(shop: Shop) -> Answer:
    rows = []
    for user, items in grouped(shop.order_items, lambda item: item.user_id).items():
        categories = sorted({shop.product(item).category for item in items})
        if len(categories) > 3:
            rows.append((user, ", ".join(categories), len(categories)))
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def first_and_last_order(shop: Shop) -> Answer:
    rows: Answer = []
    for user, orders in grouped(shop.orders, lambda order: order.user_id).items():
        ordered = sorted(orders, key=lambda order: order.created_at)
        first_return = min((order.returned_at for order in orders if order.returned_at), default=None)
        rows.append((user, ordered[0].status, ordered[-1].order_id, first_return, ordered[-1].status))
    return rows


def latest_order_deduplicated(shop: Shop) -> Answer:
    by_user = grouped(shop.orders, lambda order: order.user_id).values()
    newest = [max(orders, key=lambda order: order.created_at) for orders in by_user]
    return [
        (order.order_id, order.user_id, order.status, order.gender, order.created_at, order.num_of_item)
        for order in sorted(newest, key=lambda order: order.order_id)
    ]


def users_grouping_sets(shop: Shop) -> Answer:
    rows: Answer = [(None, None, len(shop.users), 1)]
    for country, users in grouped(shop.users, lambda user: user.country).items():
        rows.append((country, None, len(users), 0))
        rows += [(country, g, len(found), 0) for g, found in grouped(users, lambda user: user.gender).items()]
    return rows


def period_script(shop: Shop) -> Answer:
    first, last = dt.date(2023, 7, 1), dt.date(2024, 1, 1)
    within = [order for order in shop.orders if first <= order.created_at.date() <= last]
    rows = [
        (source, len({order.user_id for order in orders}), len(orders), first)
        for source, orders in grouped(within, lambda order: shop.user(order).traffic_source).items()
        if len(orders) >= 2
    ]
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def churned_customers(shop: Shop) -> Answer:
    now = dt.datetime.now(dt.UTC)
    rows = []
    for user, orders in grouped(shop.orders, lambda order: order.user_id).items():
        newest = max(order.created_at for order in orders)
        rows.append((user, (now.date() - newest.date()).days, now > newest + dt.timedelta(days=365)))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def recursive_months(shop: Shop) -> Answer:
    months = [dt.date(2023 + (1 + n) // 12, (1 + n) % 12 + 1, 1) for n in range(13)]
    counts = [sum(month_of(user.created_at) == month for user in shop.users) for month in months]
    return [(month, counts[at], sum(counts[: at + 1])) for at, month in enumerate(months)]


def days_in_other_time_zones(shop: Shop) -> Answer:
    days = grouped(shop.orders, lambda order: order.created_at.astimezone(ZoneInfo("America/Los_Angeles")).date())
    rows: Answer = []
    for day, orders in list(days.items())[:40]:
        times = [order.created_at for order in orders]
        berlin = min(times).astimezone(ZoneInfo("Europe/Berlin"))
        tokyo = max(times).astimezone(ZoneInfo("Asia/Tokyo")).replace(tzinfo=None)
        rows.append((day, f"{berlin:%d.%m. %H} Uhr", tokyo, len(orders)))
    return rows


def row_counts(shop: Shop) -> Answer:
    counts = [(name, len(getattr(shop, name))) for name in ("orders", "order_items", "products", "users")]
    return sorted(counts, key=lambda row: row[1])


def users_without_orders(shop: Shop) -> Answer:
    buyers = {order.user_id for order in shop.orders}
    buyers |= {event.user_id for event in shop.events if event.event_type == "purchase"}
    return [(user.id, user.email) for user in shop.users if user.id not in buyers]


def email_domains(shop: Shop) -> Answer:
    rows = []
    for domain, users in grouped(shop.users, lambda user: user.email.partition("@")[2]).items():
        names = [user.email.partition("@")[0] for user in users]
        named = sum(name.rstrip("0123456789") in ("smith", "jones") for name in names)
        rows.append((domain, len(users), named, max(map(len, names)), f"{min(user.id for user in users):05}"))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def orders_as_json(shop: Shop) -> Answer:
    waiting = [order for order in shop.orders if order.status == "Processing"][:5]
    return [
        (
            json.dumps(
                {"id": o.order_id, "status": o.status, "items": o.num_of_item, "waiting": True}, separators=(",", ":")
            ),
        )
        for o in waiting
    ]


def nearest_distribution_center(shop: Shop) -> Answer:
    def kilometres(user: Row, center: Row) -> float:
        """By the angle between two vectors, and not by the haversine formula."""
        a, b = ((math.radians(place.latitude), math.radians(place.longitude)) for place in (user, center))
        cosine = math.sin(a[0]) * math.sin(b[0]) + math.cos(a[0]) * math.cos(b[0]) * math.cos(a[1] - b[1])
        return 6371.01 * math.acos(cosine)

    rows: Answer = []
    for user in shop.users:
        distance, name = min((kilometres(user, center), center.name) for center in shop.distribution_centers)
        rows.append((user.id, name, float(round(distance))))
    return rows


def most_frequent_values(shop: Shop) -> Answer:
    rows: Answer = []
    for country, users in grouped(shop.users, lambda user: user.country).items():
        ages, ids = [user.age for user in users], [user.id for user in users]
        top = Counter(user.traffic_source for user in users).most_common(1)[0][1]
        rows.append((country, top, max(*ages, 18), correlation(ages, ids), rounded(variance(ages), 6)))
    return rows
