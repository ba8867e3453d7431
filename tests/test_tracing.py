"""Traces: one for each watch, from its POST through the polls to each attempt; and none without the variables."""

import ast
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bridge import tracing
from bridge.tracing import Traces, is_wanted
from tests.support.world import World, opened, opened_with, settings

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
"""The example of W3C's Trace Context."""


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    yield exporter
    exporter.shutdown()


@pytest.fixture
async def world(redis_url: str, sandbox_url: str, exporter: InMemorySpanExporter) -> AsyncIterator[World]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with opened_with(settings(redis_url, sandbox_url), sandbox_url, traces=Traces(provider)) as world:
        yield world
    provider.shutdown()


def named(spans: tuple[ReadableSpan, ...], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


async def end_traced(world: World, *traceparents: str) -> None:
    """Watch one import once for each traceparent, until all is delivered."""
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    body = {"importId": "imp", "notify": [{"type": "callback", "url": world.sandbox.callback_url()}]}
    for traceparent in traceparents:
        assert (await world.post("/v1/watches", json=body, traceparent=traceparent)).status_code == 202
    await world.poll()
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    world.pass_time(60_000)
    await world.poll()
    await world.deliver()


async def test_one_trace_leads_from_the_post_through_the_polls_to_the_callback(
    world: World, exporter: InMemorySpanExporter
) -> None:
    await end_traced(world, PARENT)
    spans = exporter.get_finished_spans()
    (post,), polls, (attempt,) = (named(spans, name) for name in ("POST /v1/watches", "poll", "attempt"))
    (message,) = await world.sandbox.messages(kind="callback")

    assert {trace_of(span) for span in (post, *polls, attempt)} == {TRACE}
    assert len(polls) == 2
    assert post.context is not None
    assert all(span.parent is not None and span.parent.span_id == post.context.span_id for span in (*polls, attempt))
    assert attempt.attributes is not None
    assert (attempt.attributes["verdict"], attempt.attributes["kind"]) == ("accepted", "callback")
    assert attempt.context is not None
    assert message["headers"]["traceparent"] == f"00-{TRACE}-{attempt.context.span_id:016x}-01"


async def test_a_shared_poll_is_in_the_trace_of_each_watch(world: World, exporter: InMemorySpanExporter) -> None:
    other = PARENT.replace("0af7", "1bf7")
    await end_traced(world, PARENT, other)
    polls = named(exporter.get_finished_spans(), "poll")

    assert sorted(map(trace_of, polls)) == sorted([TRACE, TRACE, other.split("-")[1], other.split("-")[1]])


@pytest.mark.parametrize("invalid", ["", "00-short-b7ad6b7169203331-01", "x" * 5000, f"ff-{TRACE}-0000000000000000-01"])
async def test_an_invalid_traceparent_begins_a_new_trace(
    world: World, exporter: InMemorySpanExporter, invalid: str
) -> None:
    await end_traced(world, invalid)
    spans = exporter.get_finished_spans()

    assert len({trace_of(span) for span in spans if span.name != "GET"}) == 1
    assert TRACE not in {trace_of(span) for span in spans}


async def test_health_checks_are_not_traced(world: World, exporter: InMemorySpanExporter) -> None:
    await world.api.get("/healthz")
    assert exporter.get_finished_spans() == ()


async def test_without_traces_a_callback_has_no_traceparent(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url) as world:
        await end_traced(world, PARENT)
        (message,) = await world.sandbox.messages(kind="callback")

    assert "traceparent" not in message["headers"]


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_SERVICE_NAME": "bridge"}, False),
    ],
)
def test_the_standard_variables_decide_whether_there_are_traces(*, environ: Mapping[str, str], wanted: bool) -> None:
    assert is_wanted(environ) == wanted


def test_opentelemetry_is_imported_only_within_functions_so_it_costs_nothing_when_off() -> None:
    module = ast.parse(Path(tracing.__file__).read_text())
    at_import = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]

    assert not [node for node in at_import if "opentelemetry" in ast.unparse(node)]


@pytest.mark.slow  # the exporter takes half a second to import
def test_with_the_variables_a_process_has_traces_that_end_with_it() -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with tracing.tracing("api", environ) as traces:
        assert traces is not None
    with tracing.tracing("api", {}) as off:
        assert off is None
