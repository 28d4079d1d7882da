"""What the queries about sales, products and stock have to give, computed row by row in Python."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import combinations
from statistics import mean, stdev

from .thelook_shop import Row, Shop, grouped, rounded

Answer = list[tuple[object, ...]]


def month_of(moment: dt.datetime) -> dt.date:
    return moment.date().replace(day=1)


def revenue(items: list[Row]) -> float:
    return sum(item.sale_price for item in items)


def monthly_orders_and_users(shop: Shop) -> Answer:
    months = grouped(shop.orders, lambda order: f"{order.created_at:%Y-%m}")
    return [
        (month, len({order.user_id for order in orders}), len(orders))
        for month, orders in months.items()
        if "2023-03" <= month <= "2024-04"
    ]


def month_over_month_growth(shop: Shop) -> Answer:
    kept = [item for item in shop.order_items if item.status not in ("Cancelled", "Returned")]
    rows: Answer = []
    previous: float | None = None
    for month, items in grouped(kept, lambda item: month_of(item.created_at)).items():
        total = revenue(items)
        growth = None if previous is None else rounded((total - previous) / previous * 100, 2)
        rows.append((month, total, previous, growth))
        previous = total
    return rows[::-1]


def category_margin(shop: Shop) -> Answer:
    sold = [item for item in shop.order_items if item.status != "Cancelled"]
    rows = []
    for category, items in grouped(sold, lambda item: shop.product(item).category).items():
        gmv, cost = revenue(items), sum(shop.product(item).cost for item in items)
        rows.append((category, len(items), gmv, gmv - cost, (gmv - cost) / gmv))
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def top_products_per_category(shop: Shop) -> Answer:
    totals = [
        (shop.products[number - 1].category, shop.products[number - 1].name, revenue(items))
        for number, items in grouped(shop.order_items, lambda item: item.product_id).items()
    ]
    rows: Answer = []
    for category, products in grouped(totals, lambda total: total[0]).items():
        best = sorted(products, key=lambda total: (-total[2], total[1]))[:3]
        rows += [(category, name, total, place) for place, (_, name, total) in enumerate(best, 1)]
    return rows


def running_total(shop: Shop) -> Answer:
    start, end = dt.datetime(2023, 6, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    sold = [item for item in shop.order_items if start <= item.created_at < end]
    days = [(day, revenue(items)) for day, items in grouped(sold, lambda item: item.created_at.date()).items()]
    totals = [total for _, total in days]
    return [
        (day, total, sum(totals[: at + 1]), mean(totals[max(at - 6, 0) : at + 1]))
        for at, (day, total) in enumerate(days)
    ]


def return_rate_by_brand(shop: Shop) -> Answer:
    closed = [item for item in shop.order_items if item.status in ("Complete", "Returned")]
    rows = []
    groups = grouped(closed, lambda item: (shop.product(item).brand, shop.product(item).department))
    for (brand, department), items in groups.items():
        returned = sum(item.status == "Returned" for item in items)
        if len(items) >= 10:
            rows.append((brand, department, len(items), returned, rounded(returned / len(items) * 100, 1)))
    return sorted(rows, key=lambda row: (-row[4], row[0], row[1]))


def basket_pairs(shop: Shop) -> Answer:
    pairs: Counter[tuple[int, int]] = Counter()
    for items in grouped(shop.order_items, lambda item: item.order_id).values():
        pairs.update(combinations(sorted({item.product_id for item in items}), 2))
    rows = [
        (a, b, shop.products[a - 1].name, shop.products[b - 1].name, count)
        for (a, b), count in pairs.items()
        if count > 1
    ]
    return sorted(rows, key=lambda row: (-row[4], row[0], row[1]))


def inventory_ageing(shop: Shop) -> Answer:
    def bucket(days: int) -> str:
        return "0-120" if 0 <= days <= 120 else "121-360" if 121 <= days <= 360 else "360+"

    left = [
        (shop.distribution_centers[unit.product_distribution_center_id - 1].name, unit.cost, days)
        for unit in shop.inventory_items
        if unit.sold_at is None
        for days in [(dt.date(2024, 9, 30) - unit.created_at.date()).days]
    ]
    return [
        (*key, len(units), sum(cost for _, cost, _ in units), rounded(mean(days for *_, days in units), 1))
        for key, units in grouped(left, lambda unit: (unit[0], bucket(unit[2]))).items()
    ]


def sell_through_by_center(shop: Shop) -> Answer:
    rows: Answer = []
    for center in shop.distribution_centers:
        units = [unit for unit in shop.inventory_items if unit.product_distribution_center_id == center.id]
        sold = [unit for unit in units if unit.sold_at]
        hours = [int((unit.sold_at - unit.created_at).total_seconds() // 3600) for unit in sold]
        counts = (len(units), len(sold), len(units) - len(sold))
        rows.append((center.id, center.name, *counts, rounded(len(sold) / len(units), 3), rounded(mean(hours) / 24, 2)))
    return rows


def every_day_of_a_month(shop: Shop) -> Answer:
    days = [dt.date(2023, 11, day) for day in range(1, 31)]
    return [(day, f"{day:%a %d %b}", sum(order.created_at.date() == day for order in shop.orders)) for day in days]


def quarters_by_year_pivot(shop: Shop) -> Answer:
    rows: Answer = []
    quarters = grouped(shop.order_items, lambda item: f"Q{(item.created_at.month + 2) // 3}")
    for quarter, items in quarters.items():
        years = [[item for item in items if item.created_at.year == year] for year in (2023, 2024)]
        rows.append((quarter, *(part for year in years for part in (revenue(year) if year else None, len(year)))))
    return rows


def milestones_unpivot(shop: Shop) -> Answer:
    rows = []
    for milestone in ("shipped", "delivered", "returned"):
        days = [moment.date() for order in shop.orders if (moment := getattr(order, f"{milestone}_at"))]
        rows.append((milestone, len(days), min(days), max(days)))
    return sorted(rows, key=lambda row: -row[1])


def baskets_as_arrays(shop: Shop) -> Answer:
    rows: Answer = []
    for order_id, items in grouped(shop.order_items, lambda item: item.order_id).items():
        if len(items) >= 3:
            products = [item.product_id for item in sorted(items, key=lambda item: (-item.sale_price, item.product_id))]
            rows.append((order_id, len(items), products[0], revenue(items), products[1:]))
    return rows


def items_with_position(shop: Shop) -> Answer:
    return [
        (order_id, line, item.product_id, item.sale_price)
        for order_id, items in grouped(shop.order_items, lambda item: item.order_id).items()
        for line, item in enumerate(sorted(items, key=lambda item: item.id), 1)
        if line >= 3
    ]


def revenue_rollup(shop: Shop) -> Answer:
    rows: Answer = [("All departments", "All categories", revenue(shop.order_items))]
    for department, items in grouped(shop.order_items, lambda item: shop.product(item).department).items():
        rows.append((department, "All categories", revenue(items)))
        categories = grouped(items, lambda item: shop.product(item).category)
        rows += [(department, category, revenue(lines)) for category, lines in categories.items()]
    return rows


def temporary_table_script(shop: Shop) -> Answer:
    big = [items for items in grouped(shop.order_items, lambda item: item.order_id).values() if revenue(items) >= 50]
    spent = {
        user: sum(revenue(items) for items in orders)
        for user, orders in grouped(big, lambda items: items[0].user_id).items()
    }
    best = sorted(spent.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    return [(user, shop.users[user - 1].country, total) for user, total in best]


def unusual_orders(shop: Shop) -> Answer:
    totals = {order: revenue(items) for order, items in grouped(shop.order_items, lambda item: item.order_id).items()}
    average, deviation = mean(totals.values()), stdev(totals.values())
    scores = [(order, total, (total - average) / deviation) for order, total in totals.items()]
    rows = [(order, total, rounded(score, 3)) for order, total, score in scores if abs(score) > 1.5]
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def pareto(shop: Shop) -> Answer:
    products = grouped(shop.order_items, lambda item: item.product_id)
    ranked = sorted(((number, revenue(items)) for number, items in products.items()), key=lambda p: (-p[1], p[0]))
    total, so_far = revenue(shop.order_items), 0.0
    rows: Answer = []
    for at, (number, amount) in enumerate(ranked):
        so_far += amount
        if so_far / total <= 0.8:
            rows.append((number, amount, rounded(so_far / total, 4), rounded(at / (len(ranked) - 1), 4)))
    return rows


def money_for_a_report(shop: Shop) -> Answer:
    rows: Answer = []
    for department, items in grouped(shop.order_items, lambda item: shop.product(item).department).items():
        total, cost = revenue(items), sum(shop.product(item).cost for item in items)
        margin = f"{100 * (total - cost) / total:.1f}%"
        rows.append((department, f"${total:,.2f}", margin, f"{department}: {len(items)} items"))
    return rows


def growth_per_category(shop: Shop) -> Answer:
    rows: Answer = []
    for category, items in grouped(shop.order_items, lambda item: shop.product(item).category).items():
        previous: float | None = None
        for month, lines in grouped(items, lambda item: f"{item.created_at:%Y-%m}").items():
            total, cost = revenue(lines), sum(shop.product(item).cost for item in lines)
            growth = None if previous is None else rounded((total - previous) / previous, 3)
            rows.append((month, category, total, growth, rounded((total - cost) / cost, 3)))
            previous = total
    return rows


def order_items_enriched(shop: Shop) -> Answer:
    rows: Answer = []
    for item in shop.order_items:
        if dt.date(2023, 12, 17) <= item.created_at.date() <= dt.date(2023, 12, 31):
            product = shop.product(item)
            own = (item.id, item.order_id, item.user_id, item.product_id, item.status, rounded(item.sale_price, 1))
            named = (product.cost, product.category, product.brand, product.retail_price, product.department)
            discount = 1 - item.sale_price / product.retail_price
            rows.append((*own, *named, product.distribution_center_id, discount > 0, discount))
    return rows
