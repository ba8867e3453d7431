"""Links to imports, by the operator's template."""

from bridge.domain.import_links import link_to


def test_an_id_is_percent_encoded_wholly() -> None:
    link = link_to("https://app.example.com/{importId}?tab=log#top", "a/../b?c#d <é>|&%")

    assert link == "https://app.example.com/a%2F..%2Fb%3Fc%23d%20%3C%C3%A9%3E%7C%26%25?tab=log#top"


def test_an_id_that_contains_the_place_is_not_replaced_again() -> None:
    assert link_to("https://app.example.com/{importId}", "{importId}") == "https://app.example.com/%7BimportId%7D"


def test_without_a_template_there_is_no_link() -> None:
    assert link_to(None, "imp") is None
