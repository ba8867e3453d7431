"""The overview: first what people should look at, then figures of the last hour, day or week as plots."""

from starlette.responses import Response

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.figures import ABANDONED, DELIVERED, DELIVERY, DETECTION, PERIODS, points, together
from bridge.domain.watches import WatchState
from bridge.web.console.attention import read_attention
from bridge.web.console.filters import OverviewFilter, in_utc
from bridge.web.console.plots import HEIGHT, MEDIAN, SLOW, WIDTH, plots
from bridge.web.console.visits import Visit, page
from bridge.web.requests.query import parse_query


@page
async def show(visit: Visit) -> Response:
    """Show the overview. Figures are those of the whole bridge, so only admins see them."""
    wanted = parse_query(visit.request, OverviewFilter)
    client = None if visit.client.admin else visit.client.name
    indexes = visit.resources.indexes
    return visit.page(
        "overview.html",
        attention=await read_attention(visit),
        is_open=await indexes.count_watches(WatchState.WATCHING, client),
        pending=await indexes.count_deliveries(DeliveryState.PENDING, client),
        figures=await _figures(visit, wanted) if visit.client.admin else None,
    )


async def _figures(visit: Visit, wanted: OverviewFilter) -> dict[str, object]:
    """Return the figures of a period: as plots, and in sum."""
    period = next(each for each in PERIODS if each.name == wanted.period)
    end = visit.now if wanted.until is None else min(wanted.until, visit.now)
    shown = points(await visit.resources.figures.read(period, end), period, end)
    total = together(shown, shown[0].at, period.length)
    earlier, later = end - period.length, end + period.length
    return {
        "period": period,
        "periods": PERIODS,
        "until": None if end == visit.now else end,
        "earlier": in_utc(earlier) if earlier > visit.now - period.kept else None,
        "later": in_utc(later) if later < visit.now else None,
        "plots": plots(shown),
        "ended": sum(total.ended().values()),
        "delivered": total.count(DELIVERED),
        "abandoned": total.count(ABANDONED),
        "detection": total.quantiles(DETECTION, MEDIAN, SLOW),
        "delivery": total.quantiles(DELIVERY, MEDIAN, SLOW),
        "width": WIDTH,
        "height": HEIGHT,
    }
