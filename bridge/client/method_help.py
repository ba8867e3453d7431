"""What `help` shows of a method that is made of a call: its documentation, its parameters, and what it returns."""

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, get_args, get_origin

from bridge.client.steps import Item


def describe(method: Callable[..., Any], call: Callable[..., Any], *, returns: Any = None) -> None:
    """Copy the documentation and the parameters of a call to a method.

    `returns` is the kind of iterator that the method returns, if it returns one.
    """
    update_wrapper(method, call)
    signature = inspect.signature(call)
    _, *parameters = signature.parameters.values()  # without the session
    bridge = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    value = _value_of(signature.return_annotation)
    described = signature.replace(
        parameters=[bridge, *parameters], return_annotation=value if returns is None else returns[value]
    )
    method.__signature__ = described  # type: ignore[attr-defined] # inspect looks for it
    method.__annotations__ = {**call.__annotations__, "return": described.return_annotation}


def _value_of(steps: Any) -> Any:
    """Return the type of the value of a Call, or of the values of a Feed."""
    yields, _, returned = get_args(steps)
    if returned is not None:
        return returned
    return next(get_args(each)[0] for each in get_args(yields) if get_origin(each) is Item)
