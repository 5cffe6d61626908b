import tempfile
from pathlib import Path

from lambda_monitor.lake import duckdb_sql


def test_what_exceeds_memory_is_written_to_the_temporary_folder() -> None:
    ((setting,),) = duckdb_sql.engine().sql("SELECT current_setting('temp_directory')").fetchall()
    folder = Path(setting)
    assert folder.is_absolute()
    assert folder.is_relative_to(tempfile.gettempdir())
