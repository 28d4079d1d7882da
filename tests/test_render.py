"""The rendered documentation: the diagram of the tables, and the rules of their columns."""

import re

import pytest

from beam_pipelines import render, tables
from beam_pipelines.verification.declared import leaves

SHOWN = tables.LAKE + tables.DERIVED
RELATION = re.compile(r'^(\w+) ([}|][|o])--o\{ (\w+) : "([\w.]+)"$')


@pytest.fixture(scope="module")
def text() -> str:
    return render.data_dictionary()


@pytest.fixture(scope="module")
def diagram(text) -> list[str]:
    (found,) = re.findall(r"```mermaid\nerDiagram\n(.*?)```", text, re.DOTALL)
    return [line.strip() for line in found.splitlines()]


@pytest.mark.parametrize("table", SHOWN, ids=lambda table: table.name)
def test_every_table_is_shown_with_its_key_and_references(diagram, table):
    start = diagram.index(f"{table.name} {{")
    shown = diagram[start + 1 : diagram.index("}", start)]
    keys = [line.split()[1] for line in shown if "PK" in line]
    assert keys == list(table.key)
    references = [path.rpartition(".")[2] for path, column in leaves(table.columns) if column.references]
    assert [line.split()[1] for line in shown if "FK" in line] == references


def test_every_reference_is_a_relation_nested_ones_included(diagram):
    relations = {(found[3], found[4]): found[1] for line in diagram if (found := RELATION.match(line))}
    declared = {
        (table.name, path): column.references.split(".")[0]
        for table in SHOWN
        for path, column in leaves(table.columns)
        if column.references
    }
    assert relations == declared
    assert ("orders", "items.product_id") in relations


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('customers }|--o{ orders : "customer_id"', "a customer has one version or more"),
        ('customers }o--o{ web_events : "customer_id"', "some visitors never sign in"),
        ('orders ||--o{ order_events : "order_id"', "an order is there once"),
        ('orders |o--o{ web_events : "order_id"', "most events are no purchase"),
    ],
)
def test_relations_say_how_many_there_are(diagram, line, why):
    assert line in diagram, why


def test_every_line_of_the_diagram_is_of_a_known_form(diagram):
    form = re.compile(r'^(\w+ \{|\}|\w+ \w+ (PK|FK|PK, FK)( "in \w+")?)$')
    assert [line for line in diagram if not form.match(line) and not RELATION.match(line)] == []


def test_all_values_of_a_column_are_listed(text):
    assert f"one of {', '.join(tables.CATEGORIES)} |" in text
    assert f"one of {', '.join(tables.COUNTRIES)} |" in text
    assert "..." not in [rule for line in text.splitlines() if "one of" in line for rule in line.split(", ")]
