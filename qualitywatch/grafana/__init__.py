"""Dashboards for Grafana, built from one definition for every data source.

``figures`` names what is measured, ``asks`` what a panel can want to know of it, ``boards`` holds the dashboards in these
words.  A query language (``flux``, ``influxql``, ``promql``, ``sql``) turns an ask into a query; ``build`` makes the JSON,
``tree`` the files.  Everything here is pure: text out of values.
"""
