"""What a person does in Slack: each act sends a signed request to the bridge, and shows how it is answered."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridge.sandbox.slack.acts.bridge_link import COMMANDS, BridgeLink, Reply
from bridge.sandbox.slack.acts.payloads import (
    Payload,
    action_of,
    button_in_message,
    button_in_modal,
    command_form,
    message_shortcut,
    shortcut,
    submission,
)
from bridge.sandbox.slack.acts.sending import FOLLOWS_WITHIN, Sending
from bridge.sandbox.slack.acts.typed_values import Fields, missing_in, values_of
from bridge.sandbox.slack.api.answering import show_answer
from bridge.sandbox.slack.api.modal_methods import checked_view
from bridge.sandbox.slack.api.refusal import Refused
from bridge.sandbox.slack.state.channels import Channel
from bridge.sandbox.slack.state.identity import APP_NAME, BOT_USER, COMMAND
from bridge.sandbox.slack.state.modals import Modal
from bridge.sandbox.slack.state.people import Person
from bridge.sandbox.slack.state.posts import Post
from bridge.sandbox.slack.state.response_urls import Answerable
from bridge.sandbox.slack.state.workspace import Workspace

INVITE = "/invite"


class Acting:
    """The acts of people in a workspace."""

    def __init__(self, slack: Workspace, bridge: BridgeLink, *, follows_within: float = FOLLOWS_WITHIN) -> None:
        self._slack = slack
        self._sending = Sending(slack, bridge, follows_within=follows_within)

    async def type(self, person: Person, channel: Channel, text: str) -> None:
        """Send what was typed: a command, or a message."""
        command, _, rest = text.strip().partition(" ")
        if command == COMMAND:
            await self._command(person, channel, rest.strip())
        elif command == INVITE:
            self._slack.channels.change(channel.id, has_app=True)
            self._slack.post(channel.id, BOT_USER, text="joined the channel.")
        elif command.startswith("/"):
            self._slack.say(channel.id, person.id, f"{command} is not a valid command.")
        elif command:
            self._slack.post(channel.id, person.id, text=text.strip())

    async def _command(self, person: Person, channel: Channel, text: str) -> None:
        slack = self._slack
        since = slack.changes.count
        url = slack.response_urls.make("commands", person.id, channel.id)
        trigger = slack.triggers.make(person.id, channel.id)
        form = command_form(slack.identity, person, channel, text, trigger=trigger, url=url)
        reply = await self._sending.send(COMMANDS, form)
        if reply.problem:
            slack.say(channel.id, person.id, f"{COMMAND} failed with the error “{reply.problem}”.")
        elif reply.document is not None:
            show_answer(slack, Answerable(user=person.id, channel=channel.id, at=slack.now()), reply.document)
        await self._sending.wait(since)

    async def press(self, person: Person, post: Post, block_id: str, action_id: str) -> None:
        """Press a button in a message."""
        slack, element = self._slack, _button(post.blocks, block_id, action_id)
        channel = slack.channels.get(post.channel)
        if element is None or channel is None:
            return
        payload = button_in_message(
            slack.identity,
            person,
            channel,
            post,
            action_of(block_id, element, slack.now()),
            trigger=slack.triggers.make(person.id, channel.id),
            url=slack.response_urls.make("actions", person.id, channel.id, post.ts),
        )
        await self._interact(person, channel, payload)

    async def use_shortcut(self, person: Person, channel: Channel) -> None:
        """Use the shortcut of the app's menu, while a channel is open."""
        slack = self._slack
        trigger = slack.triggers.make(person.id, channel.id)
        await self._interact(person, channel, shortcut(slack.identity, person, trigger=trigger, at=slack.now()))

    async def use_message_shortcut(self, person: Person, channel: Channel, post: Post) -> None:
        slack = self._slack
        payload = message_shortcut(
            slack.identity,
            person,
            channel,
            post,
            trigger=slack.triggers.make(person.id, channel.id),
            url=slack.response_urls.make("actions", person.id, channel.id, post.ts),
            at=slack.now(),
        )
        await self._interact(person, channel, payload)

    async def submit(self, person: Person, modal: Modal, fields: Fields) -> None:
        """Submit a modal: it closes, or shows what is wrong."""
        modal = self._typed(modal, fields)
        if errors := missing_in(modal.view, modal.typed):
            self._slack.modals.keep(replace(modal, errors=errors))
            return
        trigger = self._slack.triggers.make(person.id, modal.channel)
        urls = list(self._response_urls(person, modal))
        payload = submission(self._slack.identity, person, modal, trigger=trigger, response_urls=urls)
        since = self._slack.changes.count
        reply = await self._sending.interact(payload)
        self._after_submission(modal, reply)
        await self._sending.wait(since)

    async def press_in_modal(self, person: Person, modal: Modal, block_id: str, action_id: str, fields: Fields) -> None:
        modal, element = self._typed(modal, fields), _button(modal.view["blocks"], block_id, action_id)
        if element is None:
            return
        action = action_of(block_id, element, self._slack.now())
        trigger = self._slack.triggers.make(person.id, modal.channel)
        since = self._slack.changes.count
        reply = await self._sending.interact(
            button_in_modal(self._slack.identity, person, modal, action, trigger=trigger)
        )
        if reply.problem:
            self._slack.modals.keep(replace(modal, trouble=_trouble(reply)))
        await self._sending.wait(since)

    def close(self, modal: Modal) -> None:
        self._slack.modals.close(modal)

    def _typed(self, modal: Modal, fields: Fields) -> Modal:
        typed = values_of(modal.view, fields)
        return self._slack.modals.keep(replace(modal, typed=typed, errors={}, trouble=None))

    def _after_submission(self, modal: Modal, reply: Reply) -> None:
        modals = self._slack.modals
        match reply.document:
            case _ if reply.problem:
                modals.keep(replace(modal, trouble=_trouble(reply)))
            case None | {"response_action": "clear"}:
                modals.close(modal)
            case {"response_action": "errors", "errors": dict(errors)} if errors:
                modals.keep(replace(modal, errors={str(name): str(text) for name, text in errors.items()}))
            case {"response_action": "update", "view": view}:
                self._update(modal, view)
            case _:
                modals.keep(replace(modal, trouble="The app's answer is not one that Slack knows."))

    def _update(self, modal: Modal, view: Any) -> None:
        try:
            self._slack.modals.update(modal, checked_view(view))
        except Refused as refused:
            self._slack.modals.keep(replace(modal, trouble=refused.reason))

    def _response_urls(self, person: Person, modal: Modal) -> Iterator[Payload]:
        """Yield a response URL for each chosen channel whose element asks for it."""
        for block in modal.view["blocks"]:
            element = block.get("element", {})
            if element.get("response_url_enabled") is True:
                action_id = element["action_id"]
                channel = modal.typed[block["block_id"]][action_id].get("selected_conversation")
                if channel:
                    url = self._slack.response_urls.make("actions", person.id, channel)
                    yield {
                        "block_id": block["block_id"],
                        "action_id": action_id,
                        "channel_id": channel,
                        "response_url": url,
                    }

    async def _interact(self, person: Person, channel: Channel, payload: Payload) -> None:
        since = self._slack.changes.count
        reply = await self._sending.interact(payload)
        if reply.problem:
            self._slack.say(channel.id, person.id, f"{APP_NAME}: {_trouble(reply)}")
        await self._sending.wait(since)


def _button(blocks: Any, block_id: str, action_id: str) -> Mapping[str, Any] | None:
    """Return a button of blocks; None if there is none any more."""
    for block in blocks:
        elements = [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]
        for element in elements:
            if block["block_id"] == block_id and element.get("action_id") == action_id:
                return dict(element)
    return None


def _trouble(reply: Reply) -> str:
    return f"We had some trouble connecting. Try again? ({reply.problem})"
