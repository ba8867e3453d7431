"""Units for systemd: the secrets are credentials, which only the process of the unit can read."""

from collections.abc import Iterator, Sequence

from bridge.cli.deploy.parts import CONFIG_FILE, CONFIG_FOLDER, WEB, Part, secret_file

OPEN_FILES = 65_536
HARDENING = """\
NoNewPrivileges=true
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectProc=invisible
RemoveIPC=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077
"""


def unit(part: Part, *, program: str, listen: tuple[str, int], secrets: Sequence[str]) -> str:
    """Return the unit of a part; `listen` is the address and port of the API."""
    return "\n".join(
        (
            "[Unit]",
            f"Description={part.purpose}",
            "Wants=network-online.target",
            "After=network-online.target",
            "# It is started again however often Redis was unavailable.",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            f"ExecStart={program} {' '.join(_arguments(part, listen))}",
            "User=rally-bridge",
            "# .env in this folder has the settings that are not secret.",
            f"WorkingDirectory={CONFIG_FOLDER}",
            f"Environment=BRIDGE_CONFIG_FILE={CONFIG_FILE}",
            *_credentials(secrets),
            "Restart=always",
            "RestartSec=5",
            "# Invalid settings: the journal lists them.",
            "RestartPreventExitStatus=2",
            f"TimeoutStopSec={part.stop_seconds}",
            f"MemoryMax={part.memory}M",
            f"LimitNOFILE={OPEN_FILES}",
            HARDENING,
            "[Install]",
            "WantedBy=multi-user.target",
        )
    )


def _arguments(part: Part, listen: tuple[str, int]) -> Sequence[str]:
    host, port = listen
    return ("serve", "--host", host, "--port", str(port)) if part is WEB else part.command


def _credentials(secrets: Sequence[str]) -> Iterator[str]:
    for name in secrets:
        yield f"LoadCredential={name}:{secret_file(name)}"
        yield f"Environment={name}_FILE=%d/{name}"
