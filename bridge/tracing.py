"""Traces by OpenTelemetry: one for each watch, from its POST through the polls to each attempt.

They need the extra `otel`, and are configured by OpenTelemetry's own variables. Without these it is not imported.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from bridge.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

Attributes: TypeAlias = Mapping[str, str | int]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NAME = "rally-bridge"
NS_PER_SECOND = 1_000_000_000

log = structlog.get_logger()


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Return whether OpenTelemetry's variables name where traces go."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(environ.get(name) for name in ENDPOINTS)


@contextmanager
def tracing(process: str, environ: Mapping[str, str]) -> Iterator[Traces | None]:
    """Yield the traces of a process, and export what is left at the end; None without the variables or the extra."""
    if not is_wanted(environ):
        yield None
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        log.warning("traces.not_available", reason="install rally-bridge[otel]")
        yield None
        return
    named = {"service.name": environ.get("OTEL_SERVICE_NAME") or f"{NAME}-{process}", "service.version": VERSION}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield Traces(provider)
    finally:
        provider.shutdown()


@dataclass(frozen=True, slots=True)
class Traced:
    """A span that has begun: what its successors refer to, and how to add what becomes known."""

    traceparent: str
    span: Span

    def add(self, attributes: Attributes) -> None:
        self.span.set_attributes(dict(attributes))

    def rename(self, name: str) -> None:
        self.span.update_name(name)


class Traces:
    """Makes spans. A `traceparent` is the text by which W3C's Trace Context refers to one."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - only if there are traces
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._trace = trace
        self._tracer = provider.get_tracer(NAME, VERSION)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def received(self, name: str, parent: str | None) -> Iterator[Traced]:
        """Trace a request that was received; `parent` is its header."""
        with self._begun(name, parent, self._trace.SpanKind.SERVER, {}) as traced:
            yield traced

    @contextmanager
    def sent(self, name: str, parent: str, attributes: Attributes) -> Iterator[Traced]:
        """Trace a request that is sent."""
        with self._begun(name, parent, self._trace.SpanKind.CLIENT, attributes) as traced:
            yield traced

    def current(self) -> str | None:
        """Return the traceparent of the request that is being handled."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent")

    def record(self, name: str, parents: Sequence[str], seconds: float, attributes: Attributes) -> None:
        """Record what has just ended, after this many seconds, in each of these traces."""
        end = time.time_ns()
        for parent in parents:
            span = self._tracer.start_span(
                name,
                context=self._context(parent),
                kind=self._trace.SpanKind.CLIENT,
                attributes=dict(attributes),
                start_time=end - int(seconds * NS_PER_SECOND),
            )
            span.end(end)

    @contextmanager
    def _begun(self, name: str, parent: str | None, kind: Any, attributes: Attributes) -> Iterator[Traced]:
        with self._tracer.start_as_current_span(
            name, context=self._context(parent), kind=kind, attributes=dict(attributes)
        ) as span:
            yield Traced(self.current() or "", span)

    def _context(self, parent: str | None) -> Any:
        """Return the context of a traceparent; an invalid one begins a new trace."""
        from opentelemetry.context import Context  # noqa: PLC0415 - imported already

        return self._propagator.extract({} if parent is None else {"traceparent": parent}, context=Context())
