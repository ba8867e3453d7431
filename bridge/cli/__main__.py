"""`python -m bridge.cli`: how `up` starts its children, whatever the PATH says."""

from bridge.cli import main

main(prog_name="rally-bridge")
