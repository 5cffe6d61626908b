"""Kinds of models that are served, tried one by one: `python -m benchmarks.model_kinds`.

rows        synthetic rows with ties at the splits of trees, and their declaration
estimators  the models that are tried
trial       fit, convert and score one model
table       docs/model-kinds.md
"""
