"""The vendor, Rally: requests imports, and turns all responses into values.

Source: https://docs.rallyuxr.com/api-reference/imports/gets-an-import-by-id
"""

from bridge.rally.client import RallyClient
from bridge.rally.responses import decipher

__all__ = ["RallyClient", "decipher"]
