"""The methods that upload files.

Sources: https://docs.slack.dev/reference/methods/files.getUploadURLExternal and …/files.completeUploadExternal
"""

from bridge.sandbox.slack.api.message_methods import Answer, Arguments
from bridge.sandbox.slack.api.refusal import Refused, invalid_arguments
from bridge.sandbox.slack.state.workspace import Workspace


def get_upload_url(slack: Workspace, arguments: Arguments) -> Answer:
    upload = slack.uploads.announce(arguments.get("filename"), arguments.get("length"))
    return {"upload_url": upload.url, "file_id": upload.id}


def complete_upload(slack: Workspace, arguments: Arguments) -> Answer:
    """Share uploaded files in a channel, as one message each; without a channel only the app has them."""
    files = arguments.get("files")
    if not isinstance(files, list) or not files or not all(isinstance(each, dict) for each in files):
        raise invalid_arguments("missing required field: files")
    channel_id = arguments.get("channel_id")
    channel = None if channel_id is None else _channel(slack, channel_id)
    shared = [slack.uploads.share(each.get("id"), each.get("title")) for each in files]
    if channel is not None:
        comment = str(arguments.get("initial_comment") or "")
        for upload in shared:
            slack.post(channel, text=comment, file=upload.id)
    return {"files": [{"id": upload.id, "title": upload.title} for upload in shared]}


def _channel(slack: Workspace, channel_id: object) -> str:
    """Return the id of a channel. Raise Refused for the id of a person, and for a channel without the app."""
    try:
        return slack.channels.of_app(channel_id).id
    except Refused as refused:
        raise Refused("invalid_channel" if refused.error == "channel_not_found" else refused.error) from None
