"""Beam pipelines that generate a synthetic retail world and load it into BigQuery."""
