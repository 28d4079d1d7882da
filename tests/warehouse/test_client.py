"""Which project a warehouse is, and who answers for it."""

import re

import pytest
from google.auth.credentials import AnonymousCredentials

from beam_pipelines.warehouse.client import WarehouseError, connect, project_of


@pytest.mark.parametrize("project", ["my-project", "local", "example.com:billing"])
def test_an_address_names_its_project(project):
    assert project_of(f"bigquery://{project}") == project


@pytest.mark.parametrize("address", ["", "my-project", "bigquery://", "bigquery://a/b", "gs://bucket", "BIGQUERY://a"])
def test_what_is_no_address_is_refused(address):
    expected = f"warehouse: expected bigquery://PROJECT, got {address!r}"
    with pytest.raises(WarehouseError, match=f"^{re.escape(expected)}$"):
        project_of(address)


def test_a_process_has_one_client_of_a_warehouse(warehouse):
    assert connect("bigquery://local") is warehouse


def test_the_emulator_is_asked_without_credentials(warehouse):
    assert isinstance(warehouse._credentials, AnonymousCredentials)
    assert warehouse.project == "local"
    assert [row.values() for row in warehouse.query_and_wait("SELECT 1 + 1")] == [(2,)]
