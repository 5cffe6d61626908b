"""From a declared use case to a bundle: data, pipeline, registry, export.

use_case   what a user declares in one file
sources    where rows come from, tried in order
data       rows by the declared rules, hashed and locked
pipeline   the steps, from loading to the bundle
records    rows as the bytes that go on the stream
"""
