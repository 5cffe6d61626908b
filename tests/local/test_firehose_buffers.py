import gzip
from dataclasses import replace

from local.firehose_buffers import DELIMITER, Buffers, Target, enabled_processors, limits

PLAIN = Target(
    role="arn:aws:iam::000000000000:role/delivery",
    bucket="lake",
    prefix="p/hour=01/",
    stem="s-1",
    extension="",
    compress=False,
    interval=1,
    size=1_000,
)
ZIPPED = replace(PLAIN, prefix="p/hour=02/", extension=".gz", compress=True)


class Store:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.now = 0.0
        self.buffers = Buffers(self._put, lambda: self.now)

    def _put(self, role: str, bucket: str, key: str, body: bytes) -> None:
        assert role == PLAIN.role
        assert bucket == "lake"
        assert key not in self.objects
        self.objects[key] = body


def test_records_of_one_prefix_become_one_object() -> None:
    store = Store()
    for line in (b"a\n", b"b\n"):
        store.buffers.add(PLAIN, line)
        store.buffers.add(ZIPPED, line)
    store.now = 1.0
    store.buffers.flush()
    bodies = {key.rpartition("/")[0]: body for key, body in store.objects.items()}
    assert bodies["p/hour=01"] == b"a\nb\n"
    assert gzip.decompress(bodies["p/hour=02"]) == b"a\nb\n"


def test_buffer_is_written_after_its_interval() -> None:
    store = Store()
    store.buffers.add(PLAIN, b"a")
    store.buffers.add(replace(ZIPPED, interval=60), b"b")
    store.now = 0.5
    store.buffers.flush()
    assert store.objects == {}
    store.now = 1.0
    store.buffers.flush()
    assert list(store.objects.values()) == [b"a"]
    store.now = 60.0
    store.buffers.flush()
    assert len(store.objects) == 2


def test_full_buffer_is_written_at_once() -> None:
    store = Store()
    store.buffers.add(PLAIN, b"x" * 999)
    assert store.objects == {}
    store.buffers.add(PLAIN, b"x")
    assert len(store.objects) == 1
    store.buffers.flush()
    assert len(store.objects) == 1


def test_limits_are_those_of_the_delivery() -> None:
    hints = {"BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 64}}
    assert limits(hints) == (0, 64 * 1024 * 1024)
    # Firehose's documented defaults.
    assert limits({}) == (300, 5 * 1024 * 1024)


def test_processors_count_only_while_processing_is_enabled() -> None:
    processing = {"Enabled": True, "Processors": [{"Type": DELIMITER}]}
    assert enabled_processors({"ProcessingConfiguration": processing}) == {DELIMITER}
    assert enabled_processors({"ProcessingConfiguration": processing | {"Enabled": False}}) == set()
    assert enabled_processors({}) == set()
