"""How far `knrender validate` agrees with real servers, on the corpora of ../shared.

Usage: corpora.py KNRENDER. Each line of a corpus is an object with one change and the verdict of a real kube-apiserver 1.36.2, or
of the same with Knative Serving 1.23's webhook. Knative's objects are given along with the CRDs of a default render. Below the
floors it fails.
"""

import concurrent.futures
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

from renders import SHARED, render

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Agreement in percent, and how many may be refused in vain.
FLOORS = {"k8s-open": (99.9, 0), "knative-open": (99.8, 0)}


def refused(knrender, objects):
    text = "\n---\n".join(json.dumps(o) for o in objects)
    command = [knrender, "validate", "--kubernetes", "1.36", "--format", "json", "--quiet", "-"]
    code = subprocess.run(command, input=text, capture_output=True, text=True).returncode
    if code not in (0, 1, 3):
        sys.exit(f"knrender ended with {code}: {text[-400:]}")
    return code != 0


def definitions(folder):
    """The CRDs of a default render, by kind."""
    render(folder, "default", [])
    documents = (
        d for f in sorted((folder / "default").glob("*.yaml")) for d in yaml.load_all(f.read_text(), Loader=LOADER) if d
    )
    return {d["spec"]["names"]["kind"]: d for d in documents if d["kind"] == "CustomResourceDefinition"}


def main():
    knrender = str(pathlib.Path(sys.argv[1]).resolve())
    if not (SHARED / "corpora").is_dir():
        print("agreement with real servers NOT measured: ../shared/corpora is missing")
        return
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        crds = definitions(pathlib.Path(temporary))
    for name, (floor, most) in FLOORS.items():
        with gzip.open(SHARED / "corpora" / f"{name}.jsonl.gz", "rt") as lines:
            rows = [json.loads(line) for line in lines]
        around = [row.get("with") or [] for row in rows]
        if name.startswith("knative"):
            around = [[crds[k]] if (k := row["object"].get("kind")) in crds else [] for row in rows]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            verdicts = list(pool.map(lambda r, a: refused(knrender, [*a, r["object"]]), rows, around))
        pairs = list(zip(rows, verdicts, strict=True))
        vain = sum(v and r["accepted"] for r, v in pairs)
        missed = sum(not v and not r["accepted"] for r, v in pairs)
        agreement = 100 * (len(rows) - vain - missed) / len(rows)
        accepted = sum(r["accepted"] for r in rows)
        print(
            f"{name}: {agreement:.2f} % agreement on {len(rows)} objects; {missed} of {len(rows) - accepted} refusals missed, "
            f"{vain} of {accepted} refused in vain"
        )
        failed |= agreement < floor or vain > most
    if failed:
        sys.exit(f"below the floors: {FLOORS}")


if __name__ == "__main__":
    main()
