"""What the queries about web sessions have to give, computed row by row in Python."""

from __future__ import annotations

from statistics import mean

from .thelook_answers_sales import Answer
from .thelook_shop import COLUMNS, GEOGRAPHY, Row, Shop, grouped, rounded

TYPES = ("cancel", "cart", "department", "home", "product", "purchase")


def sessions_with(events: list[Row], kind: str) -> int:
    return len({event.session_id for event in events if event.event_type == kind})


def funnel_by_traffic_source(shop: Shop) -> Answer:
    rows = []
    for source, events in grouped(shop.events, lambda event: event.traffic_source).items():
        sessions = len({event.session_id for event in events})
        steps = [sessions_with(events, kind) for kind in ("product", "cart", "purchase")]
        rows.append((source, sessions, *steps, rounded(100 * (steps[2] / sessions), 2)))
    return sorted(rows, key=lambda row: (-row[5], row[0]))


def funnel_counts(shop: Shop) -> Answer:
    home, cart, purchase = (
        sum(event.event_type == kind for event in shop.events) for kind in ("home", "cart", "purchase")
    )
    users = len({event.user_id for event in shop.events if event.user_id})
    return [(home, cart, purchase, cart / home, None, users)]


def session_durations(shop: Shop) -> Answer:
    rows: Answer = []
    for browser, events in grouped(shop.events, lambda event: event.browser).items():
        sessions = list(grouped(events, lambda event: event.session_id).values())
        times = [[event.created_at for event in session] for session in sessions]
        seconds = [int((max(each) - min(each)).total_seconds()) for each in times]
        bought = sum(any(event.event_type == "purchase" for event in session) for session in sessions)
        averages = (mean(map(len, sessions)), mean(seconds) / 60, max(seconds) // 60)
        rows.append((browser, len(sessions), *averages, bought))
    return rows


def viewed_products(shop: Shop) -> Answer:
    seen = [event for event in shop.events if event.event_type == "product"]
    rows = [
        (number, shop.products[number - 1].name, len(events), len({event.session_id for event in events}))
        for number, events in grouped(seen, lambda event: int(event.uri.rpartition("/")[2])).items()
    ]
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def landing_departments(shop: Shop) -> Answer:
    def parts(event: Row) -> tuple[str, str, str]:
        _, _, department, _, category, _, brand = event.uri.split("/")
        return department.capitalize(), category.replace("and", " & "), brand[:3].upper()

    visits = grouped((event for event in shop.events if event.event_type == "department"), parts)
    return sorted(((*key, len(events)) for key, events in visits.items()), key=lambda row: (-row[3], *row[:3]))


def dynamic_pivot_script(shop: Shop) -> Answer:
    browsers = grouped(shop.events, lambda event: event.browser)
    return [(browser, *(sessions_with(events, kind) for kind in TYPES)) for browser, events in browsers.items()]


def attribution(shop: Shop) -> Answer:
    rows: Answer = []
    for user, events in grouped((event for event in shop.events if event.user_id), lambda e: e.user_id).items():
        ordered = sorted(events, key=lambda event: (event.created_at, event.id))
        rows.append((user, ordered[0].traffic_source, ordered[-1].traffic_source, len(events)))
    return rows


def visits_by_inactivity(shop: Shop) -> Answer:
    rows: Answer = []
    for session, events in grouped(shop.events, lambda event: event.session_id).items():
        visits: list[list[Row]] = [[]]
        for event in sorted(events, key=lambda event: (event.created_at, event.id)):
            if visits[-1] and (event.created_at - visits[-1][-1].created_at).total_seconds() // 60 >= 15:
                visits.append([])
            visits[-1].append(event)
        later = list(enumerate(visits))[1:]
        rows += [(session, number, len(visit), visit[0].created_at) for number, visit in later]
    return rows


def conversion_of_sources(shop: Shop) -> Answer:
    complete = {order.user_id for order in shop.orders if order.status == "Complete"}
    pairs = {(event.traffic_source, event.user_id) for event in shop.events if event.user_id}
    visitors = {user for _, user in pairs}
    rows = [("overall", rounded(mean(user in complete for user in visitors), 4))]
    for source, users in grouped(pairs, lambda pair: pair[0]).items():
        rows.append((source, rounded(mean(user in complete for _, user in users), 4)))
    return sorted(rows, key=lambda row: row[0])


def columns_of_the_tables(shop: Shop) -> Answer:
    rows: Answer = []
    for table, columns in sorted(COLUMNS.items()):
        names, stamps = [column.split()[0] for column in columns.split(", ")], columns.count("TIMESTAMP")
        rows.append((table, len(names) + (table in GEOGRAPHY), ",".join(names[:3]), stamps))
    return rows
