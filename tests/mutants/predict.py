"""Mutations of the prediction path."""

from tests.mutants.mutation import Mutation, Table

_PUBLISH = "lambda_predict/publish.py"

TABLE = Table(
    tests=["tests/lambda_predict", "tests/contract/test_events.py"],
    mutations=[
        Mutation(
            "sequence numbers compared as text",
            _PUBLISH,
            "return int(line.sequence_number)",
            "return line.sequence_number",
        ),
        Mutation("failed entries not returned", _PUBLISH, "if not taken]", "if False]"),
    ],
)
