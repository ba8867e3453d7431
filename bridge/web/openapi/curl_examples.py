"""The calls of the OpenAPI document as the page shows them: by tag, POST first, each with a curl line to paste."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

METHODS = ("post", "get")
"""The order in which the methods of one path are shown."""
URL, KEY = "$RALLY_BRIDGE_URL", "$RALLY_BRIDGE_KEY"
"""The variables that the command line and the Python client read as well."""

LONGEST_LINE = 72
"""The longest body that is shown on one line, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A method of a path, its operation in the document, and a curl line."""

    method: str
    path: str
    operation: Mapping[str, Any] = field(repr=False)

    @property
    def example(self) -> Mapping[str, Any] | None:
        """The example of the body; None if the call has no body."""
        if "requestBody" not in self.operation:
            return None
        example: Mapping[str, Any] = self.operation["requestBody"]["content"]["application/json"]["example"]
        return example

    def curl(self, body: Mapping[str, Any] | None) -> str:
        """Return a request, with variables such as `$WATCH_ID` for the parameters."""
        url = URL + re.sub(r"{(\w+)}", lambda found: f"${found[1].upper()}", self.path)
        return " \\\n  ".join([f'curl {self._flags()} "{url}"', *self._headers(), *_data(body)])

    def _flags(self) -> str:
        kinds = {kind for answer in self.operation["responses"].values() for kind in answer.get("content", {})}
        flags = "-sSN" if "text/event-stream" in kinds else "-sS"
        return flags if self.method == "get" or self.example else f"{flags} -X {self.method.upper()}"

    def _headers(self) -> Iterator[str]:
        if self.operation.get("security") != []:
            yield f'-H "Authorization: Bearer {KEY}"'
        if self.example:
            yield '-H "Content-Type: application/json"'


def _data(body: Mapping[str, Any] | None) -> Iterator[str]:
    if body is not None:
        line = json.dumps(body, ensure_ascii=False)
        yield f"-d {shlex.quote(line if len(line) <= LONGEST_LINE else json.dumps(body, ensure_ascii=False, indent=2))}"


def calls_by_tag(document: Mapping[str, Any]) -> Mapping[str, list[Call]]:
    """Return the calls of each tag; paths keep their order."""
    calls = [
        Call(method=method, path=path, operation=operations[method])
        for path, operations in document["paths"].items()
        for method in sorted(operations, key=METHODS.index)
    ]
    return {tag["name"]: [call for call in calls if tag["name"] in call.operation["tags"]] for tag in document["tags"]}
