"""Prints how long a render takes compared with `kubectl kustomize` and with `sha256sum` on the same files, in the same run.

Then how long `validate` and `lint` take for a corpus of Deployments and Services in one namespace: objects in a second, memory, and
how both grow from 5,000 objects to 20,000; next to kubeconform on the same file where it is installed.

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
# What the corpus of judges is made of, each with a Service that selects it.
JUDGED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-@, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/part-of: shop, app.kubernetes.io/name: app-@}}
  template:
    metadata:
      labels:
        app.kubernetes.io/part-of: shop
        app.kubernetes.io/name: app-@
    spec:
      containers:
      - name: web
        image: registry.example/web:@
        ports:
        - {name: http, containerPort: 8080}
        env:
        - {name: LEVEL, value: info}
        readinessProbe:
          httpGet: {path: /, port: http}
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 128Mi}
---
apiVersion: v1
kind: Service
metadata: {name: app-@, namespace: shop}
spec:
  selector: {app.kubernetes.io/part-of: shop, app.kubernetes.io/name: app-@}
  ports:
  - {name: http, port: 80, targetPort: http}
---
"""
SIZES = [5_000, 10_000, 20_000]
# The most that a judge of ours may take: memory, in times the input, and time for twice as many objects. Goals are 4 and 2.2.
MOST_MEMORY = 5.0
MOST_GROWTH = 2.6
PATCH = '[{"op": "replace", "path": "/spec/type", "value": "ClusterIP"}]'


def clock(command, rounds, env):
    """Seconds of each round."""
    start = time.perf_counter()
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rounds.append(time.perf_counter() - start)


def measure(command):
    """Seconds and the largest resident size in bytes of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def judges(knrender):
    """Figures of `validate` and `lint`, and of kubeconform; whether ours are beyond the limits."""
    beyond = False
    commands = {"validate": [knrender, "validate", "--quiet"], "lint": [knrender, "lint"]}
    if kubeconform := shutil.which("kubeconform"):
        commands["kubeconform"] = [kubeconform, "-n", str(os.cpu_count()), "-summary"]
    else:
        print("kubeconform is not installed: nothing to compare validate and lint with")
    with tempfile.TemporaryDirectory() as temporary:
        for name, command in commands.items():
            figures = {}
            for count in SIZES:
                file = pathlib.Path(temporary) / f"{count}.yaml"
                file.write_text("".join(JUDGED.replace("@", str(i)) for i in range(count // 2)))
                seconds, memory = (statistics.median(c) for c in zip(*(measure([*command, file]) for _ in range(3))))
                figures[count] = (seconds, memory, file.stat().st_size)
            seconds, memory, size = figures[SIZES[-1]]
            growth = " and ".join(
                f"{figures[b][0] / figures[a][0]:.2f} times from {a:,} to {b:,}" for a, b in zip(SIZES, SIZES[1:])
            )
            print(
                f"{name}: {SIZES[-1] / seconds:,.0f} objects a second, {memory / 2**20:.0f} MiB, which is {memory / size:.1f} "
                f"times the input (limit {MOST_MEMORY}); time grows {growth} (limit {MOST_GROWTH})"
            )
            if name != "kubeconform":
                last = figures[SIZES[-1]][0] / figures[SIZES[-2]][0]
                beyond |= memory > MOST_MEMORY * size or last > MOST_GROWTH
    return beyond


# what, flags of `knrender simulate`, processors
SIMULATIONS = [
    ("a day of 100 requests a second", ["--traffic", "rate:100:86400", "--cold-start", "60", "--service-time", "0.3"], 1),
    (
        "200 settings over a day of 10 requests a second",
        ["--traffic", "rate:10:86400", "--cold-start", "60", "--service-time", "0.3"]
        + ["--sweep=min-scale=0/1/2/3/4,target=5/10/20/40/70,target-utilization-percentage=50/60/70/80,target-burst-capacity=-1/211"],
        2,
    ),
]


def simulations(knrender):
    """How long simulations take, and how much memory: figures, no limits."""
    for name, flags, processors in SIMULATIONS:
        pinned = ["taskset", "-c", "0" if processors == 1 else f"0-{processors - 1}"] if shutil.which("taskset") else []
        seconds, memory = measure([*pinned, knrender, "simulate", *flags])
        print(f"{name}: {seconds:.1f} s on {processors} of the processors, {memory / 2**20:.0f} MiB")


def main():
    knrender = pathlib.Path(sys.argv[1]).resolve()
    beyond = judges(knrender)
    if beyond and "--check" in sys.argv:
        sys.exit("validate or lint takes more than it may")
    simulations(knrender)
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
