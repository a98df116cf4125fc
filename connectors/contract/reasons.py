"""Why a test of the contract failed, in words that lead its author to the place."""

from __future__ import annotations

import ast
import linecache
import reprlib
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from connectors.errors import Outcome

CUT = reprlib.Repr()
CUT.maxdict = CUT.maxlist = CUT.maxset = CUT.maxtuple = 8
CUT.maxstring = CUT.maxother = 160


def reason(error: BaseException, folder: Path | None = None) -> str:
    """``error`` in one line: the vendor's or the connector's own words; for a comparison that failed what it compared,
    with its values; for a slip of code in ``folder`` its line."""
    said = f"{type(error).__name__}: {error}".strip(": ")
    if isinstance(error, AssertionError):
        return said if str(error) else _compared(error)
    if isinstance(error, Outcome):
        return said
    places = [
        tb for tb in _walk(error.__traceback__) if folder and Path(_file(tb)).resolve().parent == folder.resolve()
    ]
    return f"{said} ({_place(places[-1])})" if places else said


def slipped(error: Exception) -> str:
    """That the simulator itself failed, and where."""
    steps = list(_walk(error.__traceback__))
    return f"the simulator raised {type(error).__name__}: {error}{f' ({_place(steps[-1])})' if steps else ''}"


def _compared(error: AssertionError) -> str:
    """The condition that did not hold, and the values of the names in it."""
    steps = list(_walk(error.__traceback__))
    test = _condition(steps[-1]) if steps else None
    if test is None:
        return type(error).__name__
    values = ", ".join(f"{name} is {CUT.repr(value)}" for name, value in _values(test, steps[-1].tb_frame))
    return f"expected {ast.unparse(test)}{', where ' + values if values else ''} ({_place(steps[-1])})"


def _condition(at: TracebackType) -> ast.expr | None:
    """The condition of the ``assert`` that was at work there."""
    try:
        tree = ast.parse("".join(linecache.getlines(_file(at))))
    except SyntaxError:
        return None
    asserts = (node for node in ast.walk(tree) if isinstance(node, ast.Assert))
    return next((node.test for node in asserts if node.lineno <= at.tb_lineno <= (node.end_lineno or 0)), None)


def _values(test: ast.expr, frame: FrameType) -> Iterator[tuple[str, object]]:
    names = dict.fromkeys(node.id for node in ast.walk(test) if isinstance(node, ast.Name))
    for name in names:
        if name != "self" and name in frame.f_locals:
            yield name, frame.f_locals[name]


def _walk(at: TracebackType | None) -> Iterator[TracebackType]:
    while at is not None:
        yield at
        at = at.tb_next


def _file(at: TracebackType) -> str:
    return at.tb_frame.f_code.co_filename


def _place(at: TracebackType) -> str:
    return f"{Path(_file(at)).name}:{at.tb_lineno}"
