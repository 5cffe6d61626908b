import gzip

import pytest

from contract.lake import DamagedError, lines


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_empty_lines_between_labels_are_left_out(pack: type[bytes]) -> None:
    # A label that ends with a newline, to which the delivery adds another.
    assert lines(pack(b'{"a": 1}\n\n{"a": 2}\n\n')) == [b'{"a": 1}', b'{"a": 2}']


def test_damaged_gzip_is_an_error() -> None:
    with pytest.raises(DamagedError):
        lines(gzip.compress(b"x" * 100)[:-9])
