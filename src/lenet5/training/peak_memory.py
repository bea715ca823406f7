"""The most memory that this process has used."""

import sys
from pathlib import Path


def process_peak_bytes() -> int:
    """Return the peak resident memory of this process in bytes; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux; its other counter, ru_maxrss, would include the process that started this one
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(lines[0].split()[1]) * 1024 if lines else 0
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, others kilobytes
