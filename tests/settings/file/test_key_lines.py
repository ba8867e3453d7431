"""Line numbers of keys and tables in TOML."""

import pytest

from bridge.settings.file.key_lines import lines_of

DOCUMENT = '''# a comment
top = 1

[a.b]          # line 4
one = """
[not.a.table]
two = 2
"""
list = [
  "x",  # ]
  "y",
]
dotted.key = "z"
inline = { p = 1, q = { r = 2 } }
[[rules]]
name = "first"
[rules.inner]
v = 1
[[rules]]
name = "second"
"quoted key" = '#'
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a", "b"), 4),
        (("a", "b", "one"), 5),
        (("a", "b", "list"), 9),
        (("a", "b", "dotted", "key"), 13),
        (("a", "b", "inline", "q", "r"), 14),
        (("rules", 0), 15),
        (("rules", 0, "name"), 16),
        (("rules", 0, "inner", "v"), 18),
        (("rules", 1), 19),
        (("rules", 1, "quoted key"), 21),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_each_key_has_the_line_on_which_it_begins(path: tuple[str | int, ...], line: int, line_end: str) -> None:
    assert lines_of(DOCUMENT.replace("\n", line_end))[path] == line


def test_what_only_looks_like_a_statement_has_no_line() -> None:
    assert ("not", "a", "table") not in lines_of(DOCUMENT)
    assert ("a", "b", "two") not in lines_of(DOCUMENT)


def test_a_long_array_is_not_parsed_again_for_each_of_its_lines() -> None:
    hosts = '  "crm.example.com",\n' * 20_000

    assert lines_of(f"hosts = [\n{hosts}]\nlast = 1\n")["last",] == 20_003
