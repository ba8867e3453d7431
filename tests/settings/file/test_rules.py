"""The tables `[[rules]]`: what they configure, and their problems, each with file, line and key."""

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bridge.checked_settings import load_checked
from bridge.domain.destinations import Callback, NamedDestination, SlackChannel, SlackWebhook
from bridge.domain.mentions import Mention
from bridge.domain.outcomes import Outcome
from bridge.domain.rules.rules import DailyAt, Every, Rule, Thresholds
from bridge.domain.subscriptions import GROUPS
from bridge.domain.times import HOUR, MINUTE
from bridge.errors import SettingsError
from bridge.settings.file.schema import config_schema
from bridge.settings.file.secret_fields import referred_variables
from tests.settings.test_model import GOOD
from tests.support.samples import only

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NAMED = """\
[destinations.research-ops]
type = "slack_webhook"
url = "https://hooks.slack.com/services/T/B/HUNTER2"
"""
FULL = f"""\
{NAMED}
[[rules]]
name = "ops-csv"
workspaces = ["default"]
types = ["CSV"]
outcomes = ["failed", "completed"]
notify = ["research-ops", {{type = "slack", channel = "C0PANELS1"}}]
mode = "digest"
digest = {{at = "09:05", zone = "Europe/Berlin"}}
only_if = {{failed_share = 0.01, failed_records = 3, people_below = 1}}
max_age = "12h"
mention = {{users = ["U0123", "W0123"], on = ["failed"]}}

[[rules]]
name = "crm"
[[rules.notify]]
type = "callback"
url = "https://crm.example.com/HUNTER2"
secret_env = "CRM_SECRET"
headers = {{X-Token_env = "CRM_TOKEN"}}
"""
ENVIRON = {**GOOD, "CRM_SECRET": SECRET, "CRM_TOKEN": "HUNTER2", "SLACK_BOT_TOKEN": "xoxb-1"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bridge.toml"


def load(file: Path, text: str, **changes: str) -> tuple[Rule, ...]:
    file.write_text(text)
    return load_checked({**ENVIRON, "BRIDGE_CONFIG_FILE": str(file), **changes}, env_file=None).rules


def problems(file: Path, text: str, **changes: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(file, text, **changes)
    assert "HUNTER2" not in str(caught.value)
    return [problem.removeprefix(f"{file}:") for problem in caught.value.problems]


def test_a_rule_has_every_value_of_its_table(file: Path) -> None:
    assert load(file, FULL)[0] == Rule(
        name="ops-csv",
        workspaces=frozenset({"default"}),
        types=frozenset({"CSV"}),
        outcomes=frozenset({Outcome.FAILED, Outcome.COMPLETED}),
        notify=(NamedDestination(name="research-ops"), SlackChannel(channel="C0PANELS1")),
        digest=DailyAt(minute=545, zone="Europe/Berlin"),
        only_if=Thresholds(failed_share=0.01, failed_records=3, people_below=1),
        max_age=12 * HOUR,
        mention=Mention(users=("U0123", "W0123"), on=frozenset({Outcome.FAILED})),
    )


def test_what_is_left_out_has_its_default(file: Path) -> None:
    crm = load(file, FULL)[1]

    assert (crm.workspaces, crm.types, crm.outcomes) == (None, None, GROUPS["problems"])
    assert (crm.digest, crm.only_if, crm.mention, crm.max_age) == (None, None, None, 24 * HOUR)


def test_an_inline_destination_has_its_secrets_in_each_form(file: Path) -> None:
    destination = only(list(load(file, FULL)[1].notify))

    assert isinstance(destination, Callback)
    assert destination.secret is not None
    assert destination.secret.reveal() == SECRET
    assert destination.headers["X-Token"].reveal() == "HUNTER2"
    assert "HUNTER2" not in repr(destination)

    (file.parent / "url").write_text("https://hooks.slack.com/services/T/B/X\n")
    webhook = '[[rules]]\nname = "a"\nnotify = [{type = "slack_webhook", url_file = "url"}]'
    assert isinstance(only(list(load(file, webhook)[0].notify)), SlackWebhook)


def test_variables_that_inline_destinations_name_are_not_reported_as_misspelt() -> None:
    assert set(referred_variables({"rules": [{"notify": [{"url_env": "A"}, "b"]}]})) == {"A"}


def test_a_group_and_a_duration_are_accepted_where_lists_and_times_are(file: Path) -> None:
    text = '[[rules]]\nname = "a"\nnotify = [{type = "slack", channel = "C0PANELS1"}]\noutcomes = "always"\n'
    rule = load(file, f'{text}mode = "digest"\ndigest = {{every = "90m"}}\nmention = {{users = ["U0123"]}}')[0]

    assert rule.outcomes is None
    assert rule.digest == Every(span=90 * MINUTE)
    assert rule.mention == Mention(users=("U0123",))
    assert (rule.mentioned(Outcome.FAILED), rule.mentioned(Outcome.COMPLETED)) == (("U0123",), ())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('name = "A b"', "7: rules.1.name: "),
        ("name = 5", "7: rules.1.name: must be a string"),
        ("workspaces = []", "7: rules.x.workspaces: must have at least 1"),
        ('workspaces = ["us"]', "7: rules.x.workspaces: 'us' is not the name of a workspace; there are: default"),
        ('workspaces = "default"', "7: rules.x.workspaces: must be a list"),
        ('types = ["API", "csv"]', "7: rules.x.types: entry 2 must be a type as Rally writes it"),
        ('outcomes = "never"', '7: rules.x.outcomes: must be "problems", "always" or a list of completed'),
        ('outcomes = ["not_found"]', '7: rules.x.outcomes: must be "problems", "always" or a list of completed'),
        ("outcomes = []", '7: rules.x.outcomes: must be "problems", "always" or a list of completed'),
        ('outcomes = [["failed"]]', '7: rules.x.outcomes: must be "problems", "always" or a list of completed'),
        ("notify = []", "7: rules.x.notify: must have at least 1"),
        ('notify = "research-ops"', "7: rules.x.notify: must be a list"),
        ("notify = [5]", "7: rules.x.notify: entry 1 must be the name of a destination, or a table with its type"),
        ('notify = ["ops"]', "7: rules.x.notify: 'ops' is not the name of a destination; there are: research-ops"),
        ('notify = ["HUNTER2-HUNTER2-1"]', "7: rules.x.notify: '…' is not the name of a destination"),
        ('notify = [{url = "HUNTER2"}]', "7: rules.x.notify.1.type: is required; it is one of"),
        ('notify = [{type = "mail"}]', "7: rules.x.notify.1.type: is not known; it is one of"),
        ('notify = [{type = "slack", channel = "#x"}]', "7: rules.x.notify.1.channel: must be a channel's id"),
        ('notify = [{type = "slack_webhook", url_env = "NO"}]', "7: rules.x.notify.1.url_env: names a variable that"),
        (
            'notify = ["research-ops", {type = "callback", url = "http://localhost:9/HUNTER2"}]',
            "7: rules.x.notify.2.url: localhost is not allowed; EGRESS_ALLOW can allow it",
        ),
        ('mode = "batch"', "7: rules.x.mode: "),
        ('mode = "digest"', '5: rules.x: mode = "digest" and the key digest belong together'),
        ('digest = {every = "1h"}', '5: rules.x: mode = "digest" and the key digest belong together'),
        ('mode = "digest"\ndigest = {every = "5s"}', "8: rules.x.digest.every: must be from 1m to 7d"),
        ('mode = "digest"\ndigest = {every = 3600}', "8: rules.x.digest.every: must be a duration such as"),
        ('mode = "digest"\ndigest = {at = "9:00", zone = "UTC"}', "8: rules.x.digest.at: must be a time of day"),
        ('mode = "digest"\ndigest = {at = "09:00"}', "8: rules.x.digest: must be {every"),
        ('mode = "digest"\ndigest = {}', "8: rules.x.digest: must be {every"),
        ('mode = "digest"\ndigest = {every = "1h", zone = "UTC"}', "8: rules.x.digest: must be {every"),
        ('mode = "digest"\ndigest = {at = "09:00", zone = "Berlin"}', "8: rules.x.digest.zone: must be the name"),
        ('mode = "digest"\ndigest = {at = "09:00", zone = "../etc"}', "8: rules.x.digest.zone: must be the name"),
        ("only_if = {}", "7: rules.x.only_if: must have failed_share, failed_records or people_below"),
        ("only_if = {failed_share = 2}", "7: rules.x.only_if.failed_share: must be at most 1"),
        ("only_if = {failed_share = 0}", "7: rules.x.only_if.failed_share: must be more than 0"),
        ("only_if = {failed_records = 0}", "7: rules.x.only_if.failed_records: "),
        ("only_if = {people = 3}", "7: rules.x.only_if.people: is not known"),
        ('max_age = "1s"', "7: rules.x.max_age: must be from 1m to 30d"),
        ('max_age = "a day"', "7: rules.x.max_age: 'a day' is not a duration"),
        ("mention = {users = []}", "7: rules.x.mention.users: must have at least 1"),
        ('mention = {users = ["@jane"]}', "7: rules.x.mention.users: entry 1 must be the id of a Slack user"),
        ('mention = {users = ["U0123"], on = "all"}', '7: rules.x.mention.on: must be "problems"'),
        ("on = 1", "7: rules.x.on: is not known"),
        ("notfy = 1", "7: rules.x.notfy: is not known; did you mean notify?"),
    ],
)
def test_a_problem_names_line_and_key_and_no_secret(file: Path, line: str, words: str) -> None:
    key = line.partition(" ")[0]
    name = "" if key == "name" else 'name = "x"'
    notify = "" if key == "notify" else 'notify = ["research-ops"]'
    told = problems(file, f"{NAMED}\n[[rules]]\n{name}\n{line}\n{notify}\n")

    assert told[0].startswith(words), told
    assert len(told) == 1


def test_all_problems_of_all_rules_are_reported_together(file: Path) -> None:
    text = '[[rules]]\nname = "a"\ntypes = ["x"]\n[[rules]]\nmode = 1\n[[rules]]\nname = "a"\nnotify = ["b"]\n'
    told = sorted(problem.partition(": ")[::2] for problem in problems(file, text))

    assert [(place, words.partition(": ")[0]) for place, words in told] == [
        ("1", "rules.a.notify"),
        ("3", "rules.a.types"),
        ("4", "rules.2.name"),
        ("4", "rules.2.notify"),
        ("5", "rules.2.mode"),
        ("7", "rules.a.name"),
        ("8", "rules.a.notify"),
    ]


@pytest.mark.parametrize("text", ["rules = 1", "[rules]", "rules = [1]"])
def test_rules_are_an_array_of_tables(file: Path, text: str) -> None:
    assert only(problems(file, text)) == "1: rules: must be tables: [[rules]]"


def test_an_inline_channel_needs_the_bot(file: Path) -> None:
    text = '[[rules]]\nname = "a"\nnotify = [{type = "slack", channel = "C0PANELS1"}]\n'

    assert only(problems(file, text, SLACK_BOT_TOKEN="")) == "3: rules.a.notify: needs a Slack bot: set SLACK_BOT_TOKEN"


def test_the_schema_describes_rules() -> None:
    validator = Draft202012Validator(config_schema())
    rule = {"name": "a", "notify": ["b", {"type": "slack", "channel": "C0PANELS1"}]}

    assert not list(validator.iter_errors({"rules": [{**rule, "outcomes": ["failed"], "max_age": "1h"}]}))
    assert not list(validator.iter_errors({"rules": [{**rule, "digest": {"at": "09:00", "zone": "UTC"}}]}))
    by_variable = {"type": "slack_webhook", "url_env": "URL"}
    assert not list(validator.iter_errors({"rules": [{**rule, "notify": [by_variable]}]}))
    for wrong in (
        {"name": "a"},
        {**rule, "outcomes": "never"},
        {**rule, "on": 1},
        {**rule, "notify": [5]},
        {**rule, "notify": [{**by_variable, "url": "x"}]},
    ):
        assert list(validator.iter_errors({"rules": [wrong]})), wrong


def test_the_rules_of_the_guide_are_valid_together(file: Path) -> None:
    guide = (Path(__file__).parents[3] / "bridge" / "docs" / "push.md").read_text()
    examples = re.findall(r"^```toml\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)

    rules = load(file, "\n".join(examples))
    assert [rule.name for rule in rules] == ["ops-csv", "crm", "daily", "loud"]
