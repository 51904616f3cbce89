"""Generated files: written only where their content changes, so that nothing is new that is not."""

from pathlib import Path

from repro.records.files import write_atomic


def write_if_changed(path: Path, content: bytes | str) -> bool:
    """Write the file unless it has this content already; whether it was written.

    Raises:
        Failure: it cannot be written.
    """
    content = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    write_atomic(path, content)
    return True
