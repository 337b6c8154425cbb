"""Holds renders against readers and schemas that are not ours.

Every document is read by PyYAML (YAML 1.1, pure and libyaml) and compared with what upstream published; the objects of
Kubernetes' own kinds are validated strictly against the schemas of Kubernetes 1.34 to 1.36 (kubernetes-validate); the seed
stack is compared with the ancestor's own files; ClusterConfigs are held against eksctl's schema, and shell, on pages as well,
against shellcheck; what kubectl's kustomize makes of each folder of out/gitops/ is compared with the
batch at the top of out/, object by object and in order.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import kubernetes_validate
import yaml

KUBERNETES = ["1.34", "1.35", "1.36"]
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


def objects(paths):
    """Objects by identity, each read twice and the same."""
    found = {}
    for path in paths:
        text = path.read_text()
        pure = list(yaml.load_all(text, Loader=yaml.SafeLoader)) if len(text) < 1_000_000 else None
        fast = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
        assert pure is None or pure == fast, f"{path}: PyYAML's two readers differ"
        for value in filter(None, fast):
            meta = value["metadata"]
            key = (value["apiVersion"], value["kind"], meta.get("namespace"), meta.get("name"))
            assert key not in found, f"{path}: {key} twice"
            found[key] = value
    return found


def render(folder, name):
    out = folder / name.replace(" ", "-")
    command = ["cargo", "run", "--quiet", "--locked", "--", *RENDERS[name], "--out", str(out), "--quiet", "--offline"]
    config = folder / "knrender.yaml"
    config.touch()
    subprocess.run([*command, "--config", str(config)], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return objects(sorted(out.glob("*.yaml")))


def shell(path):
    """Shell of a script, or in the code blocks of a page, as shellcheck likes it."""
    text = path.read_text()
    if path.suffix == ".md":
        text = "".join(block.split("```")[0] for block in text.split("```sh\n")[1:])
    shellcheck = pathlib.Path(sys.executable).parent / "shellcheck"
    checked = subprocess.run([shellcheck, "--shell=sh", "-"], input=text, text=True, check=False, capture_output=True)
    if checked.returncode:
        sys.exit(f"{path}: {checked.stdout}{checked.stderr}")


def clusters(folder):
    """ClusterConfigs against eksctl's schema, and all shell that is rendered."""
    schema = json.loads((SHARED / "schemas/eksctl-v1alpha5.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    names = [name for name in RENDERS if name.startswith("cluster")]
    for name in names:
        validator.validate(yaml.safe_load((folder / name / "cluster/eksctl.yaml").read_text()))
    scripts = sorted(path for suffix in ["sh", "md"] for path in folder.rglob(f"*.{suffix}"))
    for path in scripts:
        shell(path)
    print(f"{len(names)} ClusterConfigs as eksctl takes them; {len(scripts)} scripts and pages as shellcheck likes them")


def kustomize(folder):
    built = subprocess.run(["kubectl", "kustomize", str(folder)], check=True, capture_output=True, text=True).stdout
    return [value for value in yaml.load_all(built, Loader=yaml.CSafeLoader) if value]


def plain(value):
    """Without null, which an API server takes for absent, and kustomize leaves out of what it patches."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if v is not None}
    return [plain(v) for v in value] if isinstance(value, list) else value


def without_waves(value):
    """The object without what kustomize is told to put on it for Argo CD."""
    meta = dict(value["metadata"])
    notes = meta.pop("annotations", None) or {}
    notes = {k: v for k, v in notes.items() if not k.startswith("argocd.argoproj.io/")}
    return plain({**value, "metadata": {**meta, "annotations": notes}})


def gitops(folder):
    """Renders both layouts, and compares what kustomize makes of each batch with the batch."""
    controller = ["--cluster-name", "prod", "--region", "eu-west-1"]
    RENDERS["gitops"] = [*RENDERS["https"], "--internal-tls", "--with", "autoscaler-hpa", *controller]
    RENDERS["gitops-gloo"] = [*RENDERS["gloo"]]
    for layout in ["argocd", "flux"]:
        for name in ["gitops", "gitops-gloo"]:
            RENDERS[f"{name}-{layout}"] = [*RENDERS[name], "--layout", layout]
            render(folder, f"{name}-{layout}")
            out = folder / f"{name}-{layout}"
            batches = sorted(out.glob("gitops/*/*-batch.yaml"))
            assert len(batches) == 2, batches
            seen = []
            for batch in batches:
                top = [v for v in yaml.load_all((out / batch.name).read_text(), Loader=yaml.CSafeLoader) if v]
                built = kustomize(batch.parent)
                seen += built
                assert [without_waves(v) for v in built] == [without_waves(v) for v in top], f"{batch}: not the same objects"
            if layout == "argocd":
                assert kustomize(out / "gitops") == seen, f"{out}: the folders together are not the batches in order"
                waves = [v["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] for v in seen]
                assert set(waves) == set("1234"), waves
            else:
                flux_patches(out)
            print(f"{name}, {layout}: {len(seen)} objects from kustomize, equal and in order")


def flux_patches(out):
    """Applies the patches of the Kustomizations as Flux does: by kustomize, after everything else."""
    steps = yaml.safe_load_all((out / "gitops/flux/batches.yaml").read_text())
    for spec in [step["spec"] for step in steps if step["spec"].get("patches")]:
        path = pathlib.Path(spec["path"]).name
        overlay = out / "gitops/overlay"
        overlay.mkdir(exist_ok=True)
        kustomization = {"resources": [f"../{path}"], "patches": spec["patches"], "sortOptions": {"order": "fifo"}}
        (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        before, after = kustomize(out / "gitops" / path), kustomize(overlay)
        changed = {a["kind"] for a, b in zip(after, before, strict=True) if a != b}
        assert changed >= {"Namespace", "CustomResourceDefinition", "MutatingWebhookConfiguration"}, changed
        for value in after:
            guarded = value["kind"] in ["Namespace", "CustomResourceDefinition"]
            notes = value["metadata"].get("annotations", {})
            assert (notes.get("kustomize.toolkit.fluxcd.io/prune") == "disabled") == guarded, value["metadata"]
            assert not any("rules" in webhook for webhook in value.get("webhooks", [])), value["metadata"]


def agree(folder):
    """The objects of two renders, changed one field at a time: knrender and the schemas have to say the same."""
    knrender = ROOT / "target/debug/knrender"
    folders = [folder / "default", folder / "seed-for-1.36"]
    subprocess.run([sys.executable, ROOT / ".ci/agree.py", knrender, *folders], check=True)


def main():
    if not (SHARED / "upstream").is_dir():
        if os.environ.get("CI") == "true":
            sys.exit("../shared/upstream is missing, and CI=true")
        print("not validated: ../shared/upstream is missing")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        rendered = {name: render(folder, name) for name in RENDERS}
        if shutil.which("kubectl"):
            gitops(folder)
        else:
            print("out/gitops/ NOT compared: there is no kubectl here")
        clusters(folder)
        agree(folder)
    releases = SHARED / "upstream/github.com"
    published = objects(
        [
            releases / "knative/serving/releases/download/knative-v1.23.0/serving-core.yaml",
            releases / "knative-extensions/net-kourier/releases/download/knative-v1.23.0/kourier.yaml",
        ]
    )
    changed = sorted(key[3] for key, value in rendered["default"].items() if published.get(key) != value)
    assert len(changed) == 18, changed
    print(f"default: {len(rendered['default'])} objects, {len(changed)} of them other than published")
    golden = objects(sorted((SHARED / "golden").glob("*.yaml")))
    assert rendered["seed"] == golden, "the seed stack is not what the ancestor made"
    print(f"seed: {len(golden)} objects, equal to the ancestor's")
    for name in ["default", "https", "gloo", "seed for 1.36"]:
        for version in KUBERNETES:
            for key, value in rendered[name].items():
                try:
                    kubernetes_validate.validate(value, version, strict=True)
                except kubernetes_validate.SchemaNotFoundError:
                    assert "." in key[0].split("/")[0], f"{name}: {key} is of no kind of Kubernetes {version}"
                except Exception as error:
                    sys.exit(f"{name}: {key} is not valid for Kubernetes {version}: {error}")
        print(f"{name}: {len(rendered[name])} objects valid for Kubernetes {', '.join(KUBERNETES)}, strictly")


main()
