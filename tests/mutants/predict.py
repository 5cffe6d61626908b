"""Mutations of the prediction path."""

from dataclasses import replace

from tests.mutants.mutation import Mutation, Table

_TESTS = "tests/lambda_predict"
_DECODE = "lambda_predict/decode.py"
_EVENTS = "contract/events.py"
_DERIVE = "lambda_predict/derive.py"
_DERIVATION = "contract/derivation.py"
_EXPLAIN = "lambda_predict/explain.py"
_HANDLER = "lambda_predict/handler.py"
_METRICS = "lambda_predict/metrics.py"
_MODEL = "lambda_predict/model.py"
_PACK = "lambda_predict/pack.py"
_PUBLISH = "lambda_predict/publish.py"
_SCORE = "lambda_predict/score.py"
_UNPACK = "lambda_predict/unpack.py"
_WIRE = "lambda_predict/wire.py"

_SENDING = [
    Mutation("one failed record hidden on the wire", _WIRE, "count == 0:", "count <= 1:"),
    Mutation(
        "one failed record hidden by the sender",
        _PUBLISH,
        'if not answer["FailedRecordCount"]:',
        'if answer["FailedRecordCount"] < 2:',
    ),
    Mutation(
        "failed Firehose entries taken for accepted",
        _PUBLISH,
        '["ErrorCode" not in entry for entry in answer["RequestResponses"]]',
        "[True] * len(lines)",
    ),
    Mutation(
        "read time-outs and closed connections not retried",
        _PUBLISH,
        "except (AwsConnectionError, HTTPClientError):",
        "except AwsConnectionError:",
    ),
    Mutation(
        "refused connections not retried",
        _PUBLISH,
        "except (AwsConnectionError, HTTPClientError):",
        "except HTTPClientError:",
    ),
    Mutation(
        "throttling by Kinesis not retried",
        _PUBLISH,
        '        "ProvisionedThroughputExceededException",\n',
        "",
    ),
    Mutation("throttling by KMS not retried", _PUBLISH, '        "KMSThrottlingException",\n', ""),
    Mutation(
        "server errors not retried", _PUBLISH, "status < HTTPStatus.INTERNAL_SERVER_ERROR", "status <= 600"
    ),
    Mutation(
        "missing permissions retried", _PUBLISH, "not in _TRANSIENT and status", "in _TRANSIENT and status"
    ),
    Mutation("501 records in a call", _PUBLISH, "_PUT_RECORDS = (500,", "_PUT_RECORDS = (501,"),
    Mutation("more than 5 MiB in a call", _PUBLISH, "(500, 5 * 1024 * 1024)", "(500, 5 * 1024 * 1024 + 1)"),
    Mutation(
        "more than 4 MiB in a Firehose call", _PUBLISH, "(500, 4 * 1024 * 1024)", "(500, 5 * 1024 * 1024)"
    ),
    Mutation(
        "less than 5 MiB in a call", _PUBLISH, "size + length > most_bytes", "size + length >= most_bytes"
    ),
    Mutation("key length in characters", _PUBLISH, "len(line.key.encode())", "len(line.key)"),
    Mutation("size of a call not reset", _PUBLISH, "chunk, size = [], 0", "chunk = []"),
    Mutation(
        "sequence numbers compared as text",
        _PUBLISH,
        "return int(line.sequence_number)",
        "return line.sequence_number",
    ),
    Mutation(
        "highest record instead of lowest",
        _PUBLISH,
        "return [min(lines, key=_order)]",
        "return [max(lines, key=_order)]",
    ),
    Mutation(
        "first unkept record is published too",
        _PUBLISH,
        "if _order(line) < resume",
        "if _order(line) <= resume",
    ),
    Mutation("no backoff", _PUBLISH, "min(longest * 2, _LONGEST_PAUSE)", "longest"),
    Mutation("backoff without a limit", _PUBLISH, "min(longest * 2, _LONGEST_PAUSE)", "longest * 2"),
    Mutation(
        "a call that may outlive the time left",
        _PUBLISH,
        "if remaining() <= send.seconds:",
        "if remaining() <= 0:",
    ),
    Mutation(
        "a pause that may outlive the time left",
        _PUBLISH,
        "remaining() - wait <= send.seconds",
        "remaining() - wait <= 0",
    ),
    Mutation(
        "connect time-out not counted",
        _PUBLISH,
        "connect_timeout + client.meta.config.read_timeout",
        "read_timeout",
    ),
]

_HANDLING = [
    Mutation("all of the time for rejects", _HANDLER, "half = left_seconds() / 2", "half = 0.0"),
    Mutation("no time reserved for the response", _HANDLER, "_RESERVE = 2.0", "_RESERVE = 0.0"),
    Mutation("time left in milliseconds", _HANDLER, "/ 1000 - _RESERVE", "- _RESERVE"),
    Mutation("read time-out beyond the reserve", _HANDLER, "read_timeout=2, param", "read_timeout=5, param"),
    Mutation("packed records too long", _PACK, "size + length > limit", "size > limit"),
    Mutation("a packed record resumes at its last event", _PACK, "Line(lines[0].", "Line(lines[-1]."),
    Mutation("unpublished events counted by record", _HANDLER, "count(left)", "len(left)"),
    Mutation("unkept rejects forgotten", _HANDLER, "left = unkept + publish(", "left = publish("),
    Mutation(
        "records after an unkept reject published",
        _HANDLER,
        "sent = below(unkept, batch.scored)",
        "sent = batch.scored",
    ),
    Mutation(
        "an unkept first reject does not split the batch",
        _HANDLER,
        "line.sequence_number == first",
        "line.sequence_number < first",
    ),
    Mutation(
        "each unkept reject splits the batch",
        _HANDLER,
        "line.sequence_number == first",
        "line.sequence_number != ''",
    ),
    Mutation("the model is loaded for each invocation", _HANDLER, "@cache\ndef start", "def start"),
]

_SCORING = [
    Mutation("key not cut", _SCORE, "key = _cut_key(key)", "pass"),
    Mutation("empty key", _SCORE, 'str(row.record_id) or "-"', "str(row.record_id)"),
    Mutation(
        "event size without its key", _SCORE, "(size := len(data) + len(key.encode()))", "(size := len(data))"
    ),
    Mutation("event size above the limit", _SCORE, "> EVENT_LIMIT:", "> EVENT_LIMIT + 1:"),
    Mutation("large keys unseen", _SCORE, "EVENT_LIMIT - 3 * _KEY_LIMIT", "EVENT_LIMIT - _KEY_LIMIT"),
    Mutation("lower bound flagged", _SCORE, "not low <= v <= high", "not low < v <= high"),
    Mutation("upper bound flagged", _SCORE, "not low <= v <= high", "not low <= v < high"),
    Mutation(
        "one value at the bound flags the column",
        _SCORE,
        "min(present) >= low and max(present) <= high",
        "min(present) >= low",
    ),
    Mutation("oldest taken for newest", _SCORE, "max(arrivals, default=0.0)", "min(arrivals, default=0.0)"),
    Mutation("arrival times cut", _SCORE, "* 1000).round()", "* 1000)"),
    Mutation("infinite predictions published", _SCORE, "if math.isfinite(sum(numbers)):", "if numbers:"),
    Mutation("rejection of another row", _SCORE, "{middle + n: rejection", "{n: rejection"),
    Mutation(
        "suffix of an aggregate's records missing",
        _SCORE,
        "ref.sequence_number + suffix",
        "ref.sequence_number",
    ),
    Mutation(
        "rounding to one more digit",
        _MODEL,
        "values.round(self.contract.target.decimals)",
        "values.round(self.contract.target.decimals + 1)",
    ),
    Mutation("probability cut to two digits", _EVENTS, ".round(TOP_DIGITS)", ".round(2)"),
    Mutation("lowest probability", _EVENTS, ".max(axis=1)", ".min(axis=1)"),
    Mutation(
        "least probable classes kept",
        _EVENTS,
        "key=lambda pair: -pair[1]",
        "key=lambda pair: pair[1]",
        tests=("tests/contract/test_events.py",),
    ),
    Mutation("contract identity unchecked", _MODEL, "!= (name, version)", "== ()"),
    Mutation(
        "age in milliseconds",
        _METRICS,
        "now.timestamp() - batch.newest_arrival",
        "now.timestamp() * 1000 - batch.newest_arrival",
    ),
    Mutation(
        "rejected records not counted",
        _METRICS,
        '"Records": len(batch.scored) + batch.reasons.total()',
        '"Records": len(batch.scored)',
    ),
]

_DECODING = [
    Mutation("hidden colons trusted", _DECODE, 'b"\\\\u003" not in sent and ', ""),
    Mutation(
        "fewer colons after encoding trusted",
        _DECODE,
        '.count(b":") == colons',
        '.count(b":") <= colons',
    ),
    Mutation("fewer keys than colons trusted", _DECODE, "found))) == colons:", "found))) <= colons:"),
    Mutation("extra fields unread", _DECODE, 'data.count(b":") != keys and', 'data.count(b":") < keys and'),
    Mutation("a lone carriage return kept", _DECODE, ' or b"\\r" in together', ""),
    Mutation("a lone newline kept", _DECODE, 'b"\\n" in together or ', ""),
    Mutation(
        "range of integers unchecked",
        _DECODE,
        "msgspec.Meta(ge=int(low), le=int(high))",
        "msgspec.Meta(ge=int(low))",
    ),
    Mutation("repeated keys accepted by the explanation", _EXPLAIN, "if key in fields:", "if key in ():"),
    Mutation(
        "path not cut while it is joined",
        _EXPLAIN,
        "if len(joined) >= _FIELD_LIMIT:",
        "if False:",
        survives="each step is cut, the parser limits the depth, and the result is cut: 200 KB more at most",
    ),
    Mutation(
        "infinite values in lists unseen",
        _EXPLAIN,
        "isinstance(value, dict | list):\n                path",
        "isinstance(value, dict):\n                path",
    ),
    Mutation("path of another container", _EXPLAIN, "            del path[-1:]\n", ""),
    Mutation(
        "inflated size unbounded", _UNPACK, "stream.decompress(data, limit + 1)", "stream.decompress(data)"
    ),
    Mutation(
        "MD5 of an aggregate unchecked",
        _UNPACK,
        "usedforsecurity=False).digest() != digest",
        "usedforsecurity=False).digest() == b''",
    ),
    Mutation("varints of one byte only", _UNPACK, "if byte < 0x80:", "if True:"),
    Mutation(
        "part of a rejected record lost",
        _EVENTS,
        "-(-len(data) // REJECTED_PART_BYTES)",
        "len(data) // REJECTED_PART_BYTES",
    ),
    Mutation(
        "rejected lines beyond Firehose's limit",
        _EVENTS,
        "REJECTED_PART_BYTES = 700_000",
        "REJECTED_PART_BYTES = 800_000",
    ),
]

_FIELDS = [
    Mutation(
        "absent fields counted together",
        _DECODE,
        "self._keys - count + before, count",
        "self._keys - count, 0",
    ),
    Mutation("colons of timestamps taken for keys", _DECODE, 'else text.count(":")', "else 0"),
    Mutation("escaped colons of timestamps trusted", _DECODE, "if escaped or data", "if data"),
    Mutation("null refused", _DECODE, "kind | None, msgspec", "kind, msgspec"),
    Mutation("quotient inverted", _DERIVATION, "first / second)", "second / first)"),
    Mutation("undefined results scored", _DERIVE, "or feature.nullable or", "or True or"),
    Mutation("null without its marker", _MODEL, "return values if marker is None else", "return values or"),
    Mutation("missing values flagged as unknown", _SCORE, "[*f.categories, None] if", "f.categories if"),
    Mutation("seconds as milliseconds", _DERIVATION, "/ 1e6, ~(", "/ 1e3, ~("),
    Mutation("booleans as Python writes them", _DERIVATION, '"true" if value else "false"', "str(value)"),
    Mutation("infinite results kept", _DERIVATION, "np.abs(found) <= FLOAT_LIMIT", "found == found"),
]

_PUBLISH_TESTS = ["test_publish", "test_senders", "test_wire", "test_faults", "test_unpack"]
_HANDLER_TESTS = ["test_pack", "test_faults", "test_start", "test_outages", "test_publish"]
_SCORE_TESTS = ["test_model", "test_senders", "test_unpack", "test_score", "test_start"]
_FIELDS_TESTS = ["test_fields", "test_decode", "test_model", "test_score"]
_DECODE_TESTS = ["test_decode", "test_explain", "test_unpack", "test_score"]


def _by(names: list[str], mutations: list[Mutation]) -> list[Mutation]:
    """Return the mutations with the tests that must catch them."""
    tests = tuple(f"{_TESTS}/{name}.py" for name in names)
    return [replace(mutation, tests=(*tests, *mutation.tests)) for mutation in mutations]


TABLE = Table(
    tests=[_TESTS],
    mutations=[
        *_by(_PUBLISH_TESTS, _SENDING),
        *_by(_HANDLER_TESTS, _HANDLING),
        *_by(_SCORE_TESTS, _SCORING),
        *_by(_DECODE_TESTS, _DECODING),
        *(
            replace(m, tests=(*m.tests, "tests/contract/test_derivation.py"))
            for m in _by(_FIELDS_TESTS, _FIELDS)
        ),
    ],
)
