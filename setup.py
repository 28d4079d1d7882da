"""Packaging entry point for tools that still look for one; everything it could say is in pyproject.toml."""

from setuptools import setup

setup()
