"""What the tests of the store share."""

import pytest

from bridge.store.calls.connection import Store
from tests.support.store_parts import StoreParts


@pytest.fixture
def parts(store: Store) -> StoreParts:
    return StoreParts(store)
