"""Prints how long a render takes compared with `kubectl kustomize` and with `sha256sum` on the same files, in the same run.

The three take turns, round after round, and the ratios are medians of the rounds; a lone absolute time would say more about
the machine. With --check, ratios beyond the limits end with exit code 1.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
UPSTREAM = ROOT.parent / "shared/upstream/github.com"
CORE = UPSTREAM / "knative/serving/releases/download/knative-v1.23.0/serving-core.yaml"
KOURIER = UPSTREAM / "knative-extensions/net-kourier/releases/download/knative-v1.23.0/kourier.yaml"
GLOO = UPSTREAM / "solo-io/gloo/releases/download/v1.8.0/gloo-knative.yaml"
# name, flags, inputs, the Service to patch, at most this share of kubectl kustomize, at most so many times sha256sum (None: no limit)
RENDERS = [
    ("default render", [], [CORE, KOURIER], "kourier", 1 / 5, 4),
    ("--gloo v1.8.0", ["--gloo", "v1.8.0"], [GLOO], "knative-external-proxy", 1 / 2, None),
    ("--gloo v1.8.0 --rule-set seed", ["--gloo", "v1.8.0", "--rule-set", "seed"], [GLOO], "knative-external-proxy", 1 / 10, 6),
]
PATCH = '[{"op": "replace", "path": "/spec/type", "value": "ClusterIP"}]'


def clock(command, rounds, env):
    """Seconds of each round."""
    start = time.perf_counter()
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rounds.append(time.perf_counter() - start)


def main():
    knrender = pathlib.Path(sys.argv[1]).resolve()
    if not CORE.exists():
        print("no comparison: ../shared/upstream is missing")
        return
    if shutil.which("kubectl") is None:
        print("no comparison: kubectl is not installed")
        return
    kubectl = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True).stdout
    versions = [line.split(": ")[1] for line in kubectl.splitlines() if ": " in line]
    sums = subprocess.run(["sha256sum", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    own = subprocess.run([knrender, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{own}; kubectl {versions[0]} with kustomize {versions[-1]}; {sums}")
    slow = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "knrender.yaml").touch()
        env = dict(os.environ, KNRENDER_MIRROR=str(UPSTREAM.parent), KNRENDER_CACHE=str(folder / "cache"))
        for number, (name, flags, inputs, service, kustomize_limit, sum_limit) in enumerate(RENDERS):
            base = folder / "kustomize" / str(number)
            base.mkdir(parents=True)
            for file in inputs:
                shutil.copyfile(file, base / file.name)
            lines = [f"- {file.name}" for file in inputs]
            patch = f"patches:\n- target: {{kind: Service, name: {service}}}\n  patch: '{PATCH}'\n"
            (base / "kustomization.yaml").write_text("resources:\n" + "\n".join(lines) + "\n" + patch)
            out = ["--out", folder / "out" / str(number), "--config", folder / "knrender.yaml"]
            commands = [
                [knrender, *flags, *out],
                ["kubectl", "kustomize", base],
                ["sha256sum", *inputs],
            ]
            times = [[], [], []]
            for _ in range(12):
                for command, rounds in zip(commands, times):
                    clock(command, rounds, env)
            render, kustomize, checksum = ([t for t in rounds[1:]] for rounds in times)
            against_kustomize = statistics.median(r / k for r, k in zip(render, kustomize))
            against_checksum = statistics.median(r / s for r, s in zip(render, checksum))
            size = sum(file.stat().st_size for file in inputs)
            print(
                f"{name} ({size:,} bytes): {against_kustomize:.3f} of kubectl kustomize (limit {kustomize_limit:.3f}), "
                f"{against_checksum:.1f} times sha256sum (limit {sum_limit or 'none'})"
            )
            slow |= against_kustomize > kustomize_limit or against_checksum > (sum_limit or against_checksum)
    if slow and "--check" in sys.argv:
        sys.exit("slower than it may be")


main()
