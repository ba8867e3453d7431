"""The vendor: asks Rally for an import, and deciphers what it answers into values.

Source: https://docs.rallyuxr.com/api-reference/imports/gets-an-import-by-id
"""

from bridge.rally.client import RallyClient
from bridge.rally.responses import decipher

__all__ = ["RallyClient", "decipher"]
