"""The console that the commands print to."""

from rich.console import Console

USUAL_WIDTH = 80


class CommandConsole(Console):
    """A console of rich whose errors are those of the command, and that prints at any width."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr)
        if self.width == 0:  # COLUMNS=0 means unknown; rich would print nothing
            self.width = USUAL_WIDTH

    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to the command, which has an exit code for it."""
        raise BrokenPipeError
