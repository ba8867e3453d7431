"""`python -m bridge.cli`: how `up` starts its children, independently of the PATH."""

from bridge.cli import main

main(prog_name="rally-bridge")
