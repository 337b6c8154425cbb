"""What kubectl's kustomize makes of each folder of out/gitops/, against the batch at the top of out/: object by object, in order."""

import pathlib
import subprocess

import yaml

from renders import CLUSTER, RENDERS, render


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


def check(folder):
    """Renders both layouts, and compares what kustomize makes of each batch with the batch."""
    stacks = {
        "gitops": [*RENDERS["https"], "--internal-tls", "--with", "autoscaler-hpa", *CLUSTER],
        "gitops-gloo": RENDERS["gloo"],
    }
    for layout in ["argocd", "flux"]:
        for name, flags in stacks.items():
            render(folder, f"{name}-{layout}", [*flags, "--layout", layout])
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
