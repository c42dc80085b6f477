"""Prometheus' remote write, version 1: ``POST /api/v1/prometheus/write``."""

from lockgate.dialects.prometheus.routes import ENCODINGS, routes

__all__ = ["ENCODINGS", "routes"]
