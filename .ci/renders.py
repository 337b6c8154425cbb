"""The renders that are held against other readers, and how they are made and read."""

import functools
import pathlib
import re
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
CLUSTER = ["--cluster-name", "prod", "--region", "eu-west-1"]
VPC = ["--vpc-id", "vpc-0123456789abcdef0", "--subnets", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"]
SEED = ["--gloo", "v1.3.9", "--rule-set", "seed"]
RENDERS = {
    "default": [],
    "https": ["--domain", "apps.example.com", "--certificate-arn", ARN, "--with", "upgrade-jobs"],
    "gloo": ["--gloo", "v1.8.0"],
    "seed": SEED,
    "cluster": CLUSTER,
    "cluster-logging": [*CLUSTER, "--logging", "--internal-tls", "--app-namespace", "team-*", "--app-namespace", "shop:app=on"],
    "cluster-vpc": [*CLUSTER, *VPC, "--account-id", "123456789012"],
    "cluster-seed": [*CLUSTER, *SEED],
    "cluster-seed-account": [*CLUSTER, *VPC, *SEED, "--account-id", "123456789012"],
    "seed for 1.36": [*SEED, "--kubernetes", "1.36"],
}


@functools.cache  # renders share most of their documents, and the reader in Python is slow
def is_read_alike(document):
    return list(yaml.load_all(document, yaml.SafeLoader)) == list(yaml.load_all(document, yaml.CSafeLoader))


def objects(paths):
    """Objects by identity, each read twice and the same."""
    found = {}
    for path in paths:
        text = path.read_text()
        for document in re.split("^---$", text, flags=re.MULTILINE):
            assert is_read_alike(document), f"{path}: PyYAML's two readers differ"
        for value in filter(None, yaml.load_all(text, Loader=yaml.CSafeLoader)):
            meta = value["metadata"]
            key = (value["apiVersion"], value["kind"], meta.get("namespace"), meta.get("name"))
            assert key not in found, f"{path}: {key} twice"
            found[key] = value
    return found


def render(folder, name, flags):
    """Renders into a folder below, and reads what `kubectl apply` would."""
    out = folder / name.replace(" ", "-")
    command = ["cargo", "run", "--quiet", "--locked", "--", *flags, "--out", str(out), "--quiet", "--offline"]
    config = folder / "knrender.yaml"
    config.touch()
    subprocess.run([*command, "--config", str(config)], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return objects(sorted(out.glob("*.yaml")))
