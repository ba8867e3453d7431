"""Labels of watches in indexes: as fingerprints, because labels are private."""

from bridge.store.encryption import Fingerprinter


def label_fingerprint(fingerprinter: Fingerprinter, label: str) -> str:
    """Return the fingerprint under which watches with this label are found, whatever its case."""
    return fingerprinter.fingerprint(f"label {label.strip().casefold()}")
