"""`why`: what happened to a watch, in sentences."""

from tests.support.shell import Shell


def test_why_says_what_happened_to_a_message_and_what_to_do(shell: Shell) -> None:
    shell.bridge.set_import("unheard", ("COMPLETED", 0))
    shell.bridge.set_answers("deaf", 410)
    deaf = f"{shell.bridge.sandbox_url}/inbox/callbacks/deaf"
    watch = shell.json("watch", "unheard", "--callback", deaf, "--label", "Q4\tpanel")
    shell.run("follow", watch["id"], "--until-delivered")

    by_watch, by_import = shell.run("why", watch["id"]).stdout, shell.run("why", "unheard").stdout
    (delivery,) = shell.json("show", watch["id"])["deliveries"]

    assert by_watch == by_import == shell.run("why", delivery["id"]).stdout
    lines = by_watch.splitlines()
    assert lines[:2] == [watch["id"], r"! completed, not delivered  Q4\tpanel"]
    assert f"({delivery['fingerprint']}) was abandoned after 1 attempt: HTTP 410" in lines[2]
    assert lines[3] == "What happened:"
    assert lines[4].endswith("the client crm asked for the watch")
    assert lines[-3:] == [
        "What to do:",
        f"  Repair the receiver, then send again: `rally-bridge redeliver {watch['id']}`.",
        "  If its address has changed, watch the import with the new one: `rally-bridge watch unheard …`.",
    ]
    assert watch["id"] in shell.run("list", "--undelivered").stdout
    (document,) = shell.json("why", "unheard")
    assert (document["watchId"], document["waitingFor"]) == (watch["id"], None)


def test_why_says_what_an_open_watch_waits_for(shell: Shell) -> None:
    shell.bridge.set_import("slow", ("UPLOADING", 0), ("COMPLETED", 600))
    watch = shell.json("watch", "slow")

    said = shell.run("why", watch["id"]).stdout

    assert "The import has not ended as far as the bridge knows, so nobody was told." in said
    assert "What is waited for:\n  " in said


def test_why_of_an_import_that_nobody_watches_says_so(shell: Shell) -> None:
    ran = shell.run("why", "nobody")

    assert ran.returncode == 1
    assert "No watch of yours is about the import" in ran.stderr
    assert "rally-bridge rules test nobody" in ran.stderr
    assert "whether Rally's pushes arrive" in ran.stderr
