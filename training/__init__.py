"""From a declared use case to a bundle: data, pipeline, registry, export.

cli              commands and their arguments
commands         what each command does
use_case         declaration of a model in one file
use_cases        the use cases that ship
sources          sources of rows, tried in order
download         download with checksum and progress
synthetic        generators fitted to real data
errors           errors a user can fix
data             rows checked by the rules, hashed
column_types     declared types against found ones
model_rows       rows with derived features, rows as the model takes them
adopt            adopt a model that was trained elsewhere
adopted          use case of an adopted model, from its YAML file
infer            contract of a model, inferred from rows
model_files      models that others stored: MLflow, skops
lock             data.lock: identity of a run's rows
split            split a table into parts
pipeline         steps from loading to the bundle
search           hyperparameter search
retrain          challenger from labelled records of the lake
uncached         cache that keeps nothing, for reading the lake once
flow             the steps as a Prefect flow
evaluate         metrics over all rows and by segment
contract_change  differences between two contracts
serving          score reference rows as the Lambda does
gate             decision whether a challenger becomes champion
comparison       the champion beside another version, for review
figures          plots of a run
page             HTML page of a run
tracking         MLflow runs, models and aliases
registry         registered versions
store            log and register a fitted model
onnx_model       conversion to ONNX with parity check
onnx_converters  converters of boosting libraries
onnx_graph       changes around the conversion
model_kinds      kinds of estimators in a pipeline
ways_out         what to do about a pipeline that can't be served
export           files of the bundle
records          rows as stream records and labels
calibration      thresholds from the reference
passive_threads  OMP_WAIT_POLICY=passive
"""

from training import passive_threads as passive_threads  # before scikit-learn loads
