"""The vendor: asks Rally for an import, and deciphers what it answers into values.

Source: https://docs.rallyuxr.com/api-reference/imports/gets-an-import-by-id
"""

from bridge.rally.answers import decipher
from bridge.rally.client import RallyClient

__all__ = ["RallyClient", "decipher"]
