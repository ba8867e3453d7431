"""The routes of the console."""

from bridge.web.console import (
    deliveries,
    destinations,
    events,
    new_watch,
    overview,
    rules,
    sign_in,
    static,
    watch,
    watches,
    workers,
    workspaces,
)
from bridge.web.routing import resource

CONSOLE_ROUTES = [
    resource("/console", GET=overview.show),
    resource("/console/sign-in", GET=sign_in.show, POST=sign_in.sign_in),
    resource("/console/sign-out", POST=sign_in.sign_out),
    resource("/console/static/console.css", GET=static.style),
    resource("/console/static/console.js", GET=static.script),
    resource("/console/events", GET=events.stream),
    resource("/console/watches", GET=watches.show),
    resource("/console/watches/new", GET=new_watch.show, POST=new_watch.watch),
    resource("/console/watches/{watch_id}", GET=watch.show),
    resource("/console/watches/{watch_id}/cancel", POST=watch.cancel),
    resource("/console/watches/{watch_id}/failed-records.csv", GET=watch.failed_records),
    resource("/console/deliveries", GET=deliveries.show),
    resource("/console/deliveries/send-again", GET=deliveries.choose, POST=deliveries.send_again),
    resource("/console/deliveries/{delivery_id}/redeliver", POST=watch.redeliver),
    resource("/console/destinations", GET=destinations.show),
    resource("/console/destinations/test", POST=destinations.test),
    resource("/console/rules", GET=rules.show),
    resource("/console/workspaces", GET=workspaces.show),
    resource("/console/workers", GET=workers.show),
]
"""What people open in a browser; not in the OpenAPI document."""
