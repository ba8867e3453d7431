"""What the checker decides about commands, clicks and batches in Slack: each does what it says, once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from .evidence import Findings, Rule
from .history import DIGEST, END, SEND_AGAIN, STOP, Act, Attempt, BatchPost, History

DONE = 200


def counts(history: History) -> dict[str, int]:
    digests = [each for each in history.in_slack if each.in_slack == DIGEST and each.accepted]
    return {
        "watches stopped in Slack": sum(act.stopped for act in history.acts),
        "of these by a click": sum(act.stopped and act.clicked for act in history.acts),
        "stops with an unclear answer": sum(act.unclear for act in history.acts if act.kind == STOP),
        "clicks that sent again": sum(act.sent_again for act in history.acts),
        "clicks to send again": sum(act.kind == SEND_AGAIN for act in history.acts),
        "imports of batches": sum(len(batch.import_ids) for batch in history.batches),
        "digests of batches": len({each.label for each in digests}),
    }


def ill_answered(history: History) -> Findings:
    """Each command and click is answered with 200, unless the process was killed meanwhile."""
    for act in history.acts:
        if act.status not in {DONE, None}:
            yield f"{act.api} answered {act.status} to {act.kind} of {act.import_id}"


def told_although_stopped(history: History) -> Findings:
    """What people were told to be stopped is not told."""
    stopped = {act.import_id for act in history.acts if act.stopped}
    for import_id in sorted(stopped & {each.label for each in history.in_slack if each.in_slack == END}):
        yield f"{import_id} was stopped, and its end told"


def not_sent_again(history: History) -> Findings:
    """What people were told to be sent again is delivered."""
    for import_id in sorted(owed_again(history.acts, history.sent_again)):
        yield f"{import_id} was not sent again"


def batches_not_told(history: History) -> Findings:
    """Each import of a batch is told in Slack, in a digest or alone."""
    for import_id in sorted(owed_of_batches(history.batches, history.in_slack)):
        yield f"{import_id} was not told"


def batches_told_twice(history: History) -> Findings:
    """No import of a batch is in two messages; how often one message is sent is another rule."""
    messages: dict[str, set[str]] = defaultdict(set)
    for each in history.in_slack:
        if each.in_slack in {DIGEST, END}:
            for import_id in each.imports:
                messages[import_id].add(each.label)
    for import_id, labels in messages.items():
        if len(labels) > 1:
            yield f"{import_id} was told in several messages: {sorted(labels)}"


def rules(of_attempts: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """Return all rules; those `of_attempts` are applied to what people send again as well."""
    return {
        "Slack: commands and clicks answered wrongly": ill_answered,
        "Slack: stopped imports told": told_although_stopped,
        "Slack: not sent again": not_sent_again,
        "Slack: imports of batches not told": batches_not_told,
        "Slack: imports of batches told twice": batches_told_twice,
        **{f"sent again in Slack: {name}": partial(_about_sent_again, rule) for name, rule in of_attempts.items()},
    }


def owed_again(acts: Iterable[Act], attempts: Iterable[Attempt]) -> set[str]:
    """Return the imports that people were told to be sent again, and that are not delivered yet."""
    return {act.import_id for act in acts if act.sent_again} - {each.label for each in attempts if each.accepted}


def owed_of_batches(batches: Iterable[BatchPost], in_slack: Iterable[Attempt]) -> set[str]:
    """Return the imports of batches that are not told yet."""
    told = {each for attempt in in_slack if attempt.accepted for each in attempt.imports}
    return {each for batch in batches for each in batch.import_ids} - told


def _about_sent_again(rule: Rule, history: History) -> Findings:
    return rule(history.of_sent_again())
