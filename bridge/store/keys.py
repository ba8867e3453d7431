"""The name of each key in Redis. The docstring of the package `bridge.store` describes what each key contains.

An import's id is any text from a client, so it must be the last part of a key.
"""

from bridge.domain.times import Moment

LAYOUT_MARK = "rb:schema"
"""The key with the version of the layout of the stored data."""

EXPIRING = "rb:watches:expiring"
ENDED = "rb:watches:ended"
SETTLING = "rb:imports:settling"
FINAL = "rb:imports:final"
FENCE = "rb:fence"
CLOCK = "rb:clock"
STORE_KEY = "rb:store_key"
HELD = "rb:deliveries:held"
UNREPORTED = "rb:deliveries:unreported"
REPLAYS = "rb:replays"
RECORD_SETS = "rb:record_sets"
RECORD_READS_WANTED = "rb:record_reads:wanted"
NUDGES_DUE = "rb:nudges:due"
DIGESTS_DUE = "rb:digests:due"
DIGESTS_CLOSED = "rb:digests:closed"
DIGESTS_ENDING = "rb:digests:ending"
SUMMARIES_DUE = "rb:summaries:due"
SUMMARIES_CLOSED = "rb:summaries:closed"
MISSED_TOLD = "rb:missed_told"
PUSHES_DUE = "rb:pushes:due"
SLACK_WISHES = "rb:slack:wishes"
END_BUTTONS = "rb:slack:end_buttons"
"""Scripts use the same name."""
LIVING_PREFIX = "rb:living:"
LANES = "rb:lanes"
LANES_DOUBTFUL = "rb:lanes:doubtful"
WORKERS, APIS = "rb:workers", "rb:apis"
EVICTS = "rb:evicts"
ALARMS = "rb:alarms"
RECEIVERS_FAILING = "rb:receivers:failing"
FULL_NOT_TOLD = "rb:full:not_told"
FULL_KNOWN = "rb:full:known"
REPLICATED = "rb:replicated"
KEPT_ENDINGS = "rb:watches:kept_endings"
IN_ANY_LAYOUT = (STORE_KEY, FENCE, EXPIRING, ENDED)
"""Keys of which data of any layout has at least one: without a version, they show that there is data."""
CHANGES = "rb:changes"
"""A channel, not a key."""
ANY_TOPIC = "*"
"""The topic of subscribers that hear of every change."""

IMPORT_PREFIX = "rb:import:"
WAITING_PREFIX = "rb:waiting:"
WATCH_PREFIX = "rb:watch:"
ABOUT_PREFIX = "rb:watches:about:"
LABELLED_PREFIX = "rb:watches:labelled:"
NOTES_PREFIX = "rb:notes:"
RECORD_SET_PREFIX = "rb:record_set:"
DELIVERY_PREFIX = "rb:delivery:"


def watch(watch_id: str) -> str:
    return f"{WATCH_PREFIX}{watch_id}"


def kept_ending(watch_id: str) -> str:
    return f"rb:ending:{watch_id}"


def watches_in(index: str, client: str | None = None) -> str:
    """Return the key of an index: of the watches that are `watching`, that were `cancelled`, or that had an outcome."""
    return f"rb:watches:in:{index}" if client is None else f"rb:watches:of:{client}:{index}"


def watches_about(import_id: str) -> str:
    return f"{ABOUT_PREFIX}{import_id}"


def watches_labelled(fingerprint: str) -> str:
    """Return the index of the watches with a label, by its fingerprint. Scripts build the same names."""
    return f"{LABELLED_PREFIX}{fingerprint}"


def deliveries_in(state: str, client: str | None = None) -> str:
    """Return the index of the deliveries in a state. Scripts build the same names."""
    return f"rb:deliveries:in:{state}" if client is None else f"rb:deliveries:of:{client}:{state}"


def doubtful_lanes(client: str) -> str:
    """Return the queue of a client's doubtful lanes. Scripts build the same names."""
    return f"{LANES_DOUBTFUL}:{client}"


def lane(name: str) -> str:
    """Return the queue of a lane. Scripts build the same names."""
    return f"rb:lane:{name}"


def lane_last(name: str) -> str:
    return f"rb:lane:{name}:last"


def lane_pause(lane: str) -> str:
    """Return the key of the pause of a lane. Scripts build the same names."""
    return f"rb:lane:{lane}:paced"


def replay(client: str, fingerprint: str) -> str:
    return f"rb:replay:{client}:{fingerprint}"


def client_calls(client: str) -> str:
    return f"rb:calls:{client}"


def watch_topic(watch_id: str) -> str:
    return f"watch:{watch_id}"


def turn(name: str) -> str:
    return f"rb:turn:{name}"


def import_topic(workspace: str, import_id: str) -> str:
    return f"import:{member(workspace, import_id)}"


def import_prefix(workspace: str) -> str:
    return f"{IMPORT_PREFIX}{workspace}:"


def import_(workspace: str, import_id: str) -> str:
    return f"{import_prefix(workspace)}{import_id}"


def notes(workspace: str, import_id: str) -> str:
    """Return the key of what is noted about an import for its watches' histories. Scripts build the same names."""
    return f"{NOTES_PREFIX}{member(workspace, import_id)}"


def pauses(workspace: str) -> str:
    """Return the key of what is noted about the pauses of a workspace."""
    return f"rb:pauses:{workspace}"


def waiting(workspace: str, import_id: str) -> str:
    return f"{WAITING_PREFIX}{member(workspace, import_id)}"


def imports_due(workspace: str) -> str:
    return f"rb:imports:due:{workspace}"


def imports_leased(workspace: str) -> str:
    return f"rb:imports:leased:{workspace}"


def imports_stretched_prefix(workspace: str) -> str:
    """Return what precedes a type in the key of the imports whose polls were put off because pushes are proven."""
    return f"rb:imports:stretched:{workspace}:"


def budget(workspace: str) -> str:
    return f"rb:budget:{workspace}"


def push_seen(workspace: str, message_id: str) -> str:
    return f"rb:push:seen:{workspace}:{message_id}"


def push_queued(workspace: str, message_id: str) -> str:
    return f"rb:push:queued:{workspace}:{message_id}"


def push_first(workspace: str, import_id: str) -> str:
    return f"rb:push:first:{workspace}:{import_id}"


def push_counts(workspace: str) -> str:
    return f"rb:push:stats:{workspace}"


def push_proof(workspace: str) -> str:
    return f"rb:push:proof:{workspace}"


def pushes_awaited(workspace: str) -> str:
    return f"rb:push:awaited:{workspace}"


def push_types_awaited(workspace: str) -> str:
    return f"rb:push:awaited_types:{workspace}"


def delivery(delivery_id: str) -> str:
    return f"{DELIVERY_PREFIX}{delivery_id}"


def digest(name: str) -> str:
    """Return the key of a digest that is being gathered. Scripts build the same names."""
    return f"rb:digest:{name}"


def batch_of_key(client: str, fingerprint: str) -> str:
    return f"rb:batch:of_key:{client}:{fingerprint}"


def parts(delivery_id: str) -> str:
    """Return the key of the deliveries that a digest is about. Scripts build the same names."""
    return f"rb:parts:{delivery_id}"


def record_set(set_id: str, workspace: str, import_id: str) -> str:
    return f"{RECORD_SET_PREFIX}{record_set_member(set_id, workspace, import_id)}"


def record_set_member(set_id: str, workspace: str, import_id: str) -> str:
    return f"{set_id}:{member(workspace, import_id)}"


def missed(name: str) -> str:
    """Return the key of the imports of a summary that is being gathered. Scripts build the same names."""
    return f"rb:missed:{name}"


def summary(delivery_id: str) -> str:
    """Return the key of the imports of a closed summary. Scripts build the same names."""
    return f"rb:summary:{delivery_id}"


def record_read(workspace: str, import_id: str) -> str:
    return f"rb:record_read:{member(workspace, import_id)}"


def record_read_topic(workspace: str, import_id: str) -> str:
    return f"record_read:{member(workspace, import_id)}"


def past_ends(name: str) -> str:
    return f"rb:ends:{name}"


def attempts(delivery_id: str) -> str:
    return f"rb:attempts:{delivery_id}"


def rule_counts(rule: str) -> str:
    return f"rb:rules:stats:{rule}"


def living(receiver: str, workspace: str, import_id: str) -> str:
    """Return the key of a living message. Scripts build the same names."""
    return f"{LIVING_PREFIX}{receiver}:{member(workspace, import_id)}"


def slack_request(team: str, fingerprint: str) -> str:
    return f"rb:slack:request:{team}:{fingerprint}"


def slack_deed(team: str, fingerprint: str) -> str:
    return f"rb:slack:deed:{team}:{fingerprint}"


def slack_wish(watch_id: str) -> str:
    return f"rb:slack:wish:{watch_id}"


def slack_wished(channel: str, workspace: str, import_id: str) -> str:
    return f"rb:slack:wished:{channel}:{member(workspace, import_id)}"


def slack_channel(channel: str) -> str:
    return f"rb:slack:channel:{channel}"


def figures_of_minute(at: Moment) -> str:
    """Return the key of the figures of a minute, by its beginning. A script builds the same names."""
    return f"rb:figures:minute:{at}"


def figures_of_hour(at: Moment) -> str:
    return f"rb:figures:hour:{at}"


def console_session_ended(session_id: str) -> str:
    return f"rb:console:ended:{session_id}"


def member(workspace: str, import_id: str) -> str:
    """Return an import's member in sets that span workspaces; a workspace's name has no colon."""
    return f"{workspace}:{import_id}"


def split_member(text: str) -> tuple[str, str]:
    workspace, _, import_id = text.partition(":")
    return workspace, import_id
