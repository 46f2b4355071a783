"""Generated source can be seen where it fails."""

import linecache
import traceback

from smppwire.generation import compile_source


def test_tracebacks_show_generated_lines() -> None:
    namespace: dict[str, object] = {"one": 1}
    compile_source("test", "def broken():\n    return one / 0\n", namespace)
    try:
        namespace["broken"]()  # type: ignore[operator]
    except ZeroDivisionError as error:
        shown = "".join(traceback.format_exception(error))
    assert "return one / 0" in shown
    linecache.checkcache()
    assert linecache.getline("<smppwire test>", 1) == "def broken():\n"
