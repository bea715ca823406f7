"""Bulk reading: images a second for each kind of input, memory by images, and the ledger's own cost by shards.

Figures are processor seconds of the whole job in one process: they hold on a busy machine as well. Writes
records.md and the table of costs in docs/bulk.md. Needs about 1 GB of disk.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from side_by_side import machine, record

from lenet5.bulk.ledger import Ledger
from lenet5.bulk.shards import Shard
from lenet5.data.datasets import load

ROUNDS = 3
IMAGES = 100_000
UNITS = (1_000, 100_000, 1_000_000)
PAGE = Path(__file__).parents[1] / "docs" / "bulk.md"
PROGRAM = """
import json, resource, sys
from pathlib import Path
from lenet5.bulk.run import read
read(Path(sys.argv[1]), Path(sys.argv[2]), model="modern", workers=1)
used = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss: a process that was just started has that of the one that started it.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([used.ru_utime + used.ru_stime, int(peak.split()[1]) / 1024]))
"""


def make(folder: Path) -> dict[str, Path]:
    """Write the test images of MNIST, again and again, in each form."""
    images = load("mnist", "test").images
    files = []
    for image in images:
        content = io.BytesIO()
        Image.fromarray(image).save(content, "PNG")
        files.append(content.getvalue())
    places = {"tar of PNG": folder / "a.tar", "Parquet of PNG": folder / "a.parquet", "NPY": folder / "a.npy"}
    with tarfile.open(places["tar of PNG"], "w") as archive:
        for number in range(IMAGES):
            member = tarfile.TarInfo(f"{number:07}.png")
            member.size = len(files[number % len(files)])
            archive.addfile(member, io.BytesIO(files[number % len(files)]))
    pq.write_table(pa.table({"image": files * (IMAGES // len(files))}), places["Parquet of PNG"], row_group_size=20_000)
    np.save(places["NPY"], np.tile(images, (IMAGES // len(images), 1, 1)))
    large = np.lib.format.open_memmap(folder / "large.npy", "w+", np.uint8, (10 * IMAGES, 28, 28))
    for start in range(0, len(large), len(images)):
        large[start : start + len(images)] = images
    return places


def job(given: Path, folder: Path) -> tuple[float, float, int]:
    """Do a whole job in a process of its own: processor seconds, most megabytes, bytes of the results."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, given, out], capture_output=True, text=True, check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        seconds, megabytes = json.loads(done.stdout)
        return seconds, megabytes, json.loads((Path(out) / "manifest.json").read_text())["bytes"]


def ledger_cost(units: int, folder: Path) -> tuple[float, float]:
    """Return the microseconds a shard to read the plan and find what is done, and to write 300 results down."""
    ledger = Ledger(folder / str(units))
    ledger.folder.mkdir()
    with ledger.plan.open("w") as plan:
        plan.writelines(Shard(number, "array", "a.npy", 1, number, number + 1).line() for number in range(units))
    missing = set(range(0, units, units // 300))
    for number in range(units):
        if number % 1000 == 0:
            ledger.place(number).parent.mkdir(parents=True)
        if number not in missing:
            ledger.place(number).touch()
    started = time.process_time()
    found = [shard.number for shard, done in ledger.states() if not done]
    listing = (time.process_time() - started) / units
    assert set(found) == missing
    started = time.process_time()
    for number in found:
        with ledger.alone(number):
            ledger.finish(number, b"made")
    return 1e6 * listing, 1e6 * (time.process_time() - started) / len(found)


def main() -> None:
    """Measure, and write what was found."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        places = make(folder)
        seconds: dict[str, list[float]] = {name: [] for name in places}
        memory, size = 0.0, 0
        for _ in range(ROUNDS):
            for name, path in places.items():
                took, megabytes, bytes_out = job(path, folder)
                seconds[name].append(took)
                if name == "NPY":
                    memory = megabytes
                if name == "tar of PNG":
                    size = bytes_out
        took, large_memory, _ = job(folder / "large.npy", folder)
        ledger = {units: ledger_cost(units, folder) for units in UNITS}
        tar_bytes = places["tar of PNG"].stat().st_size
    heads = "| images | core-hours | hours on one machine | on ten | terabytes in | gigabytes out |"
    many = 10 * IMAGES
    lines = [
        f"{machine()}. `modern`, native engine, one thread; whole jobs of {IMAGES:,} images with start-up, planning "
        f"and writing, {ROUNDS} alternated turns, processor seconds.", "",
        "| input | images a core-second, median (best) |", "|---|---|",
        *(f"| {name} | {IMAGES / statistics.median(t):,.0f} ({IMAGES / min(t):,.0f}) |" for name, t in seconds.items()),
        "", f"Memory at most: {memory:,.0f} MB for {IMAGES:,} images of NPY, {large_memory:,.0f} MB for {many:,} "
        f"(which took {took:,.1f} core-seconds).", "",
        "| shards | finding one's state, microseconds | locking and writing one, microseconds |", "|---|---|---|",
        *(f"| {units:,} | {a:.1f} | {b:,.0f} |" for units, (a, b) in ledger.items()),
    ]  # fmt: skip
    record("Bulk reading", "\n".join(lines))
    rate = IMAGES / statistics.median(seconds["tar of PNG"])
    costs = [
        f"Assumed: MNIST's digits as PNG in tar files, {rate:,.0f} images a core-second (median of {ROUNDS} jobs), "
        f"{tar_bytes / IMAGES:,.0f} bytes an image in and "
        f"{size / IMAGES:.1f} out (ten copies of the same images, which pack better than others), "
        "machines of 16 such cores that are fed as fast as they read, and no planning side by side.", "",
        heads, "|---|---|---|---|---|---|",
        *(f"| {n:,} | {n / rate / 3600:,.1f} | {n / rate / 3600 / 16:,.2f} | {n / rate / 3600 / 160:,.3f} | "
          f"{n * tar_bytes / IMAGES / 1e12:,.2f} | {n * size / IMAGES / 1e9:,.1f} |" for n in (10**8, 10**10)),
        "", *lines,
    ]  # fmt: skip
    before, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- costs -->")
    after = rest.partition("<!-- /costs -->")[2]
    PAGE.write_text(f"{before}<!-- costs -->\n{chr(10).join(costs)}\n<!-- /costs -->{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
