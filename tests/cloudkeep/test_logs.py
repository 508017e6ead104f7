import logging
import re
import subprocess
import sys

from cloudkeep.logs import LineFormatter


def line(message: str, *arguments: object) -> str:
    record = logging.LogRecord("cloudkeep.worker", logging.INFO, __file__, 1, message, arguments, None)
    return LineFormatter().format(record)


def test_a_record_is_a_line_with_time_level_and_source() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO  cloudkeep\.worker took 3 s", line("took %d s", 3))


def test_a_line_end_in_a_message_does_not_begin_a_record() -> None:
    assert line("a\r\nb").endswith(" a\\r\\nb")


def test_ours_is_logged_from_info_on_and_what_libraries_say_from_warning_on() -> None:
    program = """if True:
        import logging
        from cloudkeep.logs import set_up_logging
        set_up_logging()
        logging.getLogger("workers.loop").info("ours")
        logging.getLogger("library").info("chatter")
        logging.getLogger("library").warning("trouble")"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [line.split()[-1] for line in result.stderr.splitlines()] == ["ours", "trouble"]
