"""Holds renders against readers and schemas that are not ours.

Every document is read by PyYAML (YAML 1.1, pure and libyaml) and compared with what upstream published; the objects of
Kubernetes' own kinds are validated strictly against the schemas of Kubernetes 1.34 to 1.36 (kubernetes-validate); the seed
stack is compared with the ancestor's own files; cluster.py, gitops.py and agree.py hold the rest.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import cluster
import gitops
import schemas
from renders import RENDERS, ROOT, SHARED, objects, render

KUBERNETES = ["1.34", "1.35", "1.36"]


def agree(folder):
    """The objects of two renders, changed one field at a time: knrender and the schemas have to say the same."""
    knrender = pathlib.Path(sys.argv[1]).resolve()
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
        rendered = {name: render(folder, name, flags) for name, flags in RENDERS.items()}
        if shutil.which("kubectl"):
            gitops.check(folder)
        else:
            print("out/gitops/ NOT compared: there is no kubectl here")
        cluster.check(folder)
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
                    schemas.validate(value, version, strict=True)
                except schemas.SchemaNotFoundError:
                    assert "." in key[0].split("/")[0], f"{name}: {key} is of no kind of Kubernetes {version}"
                except Exception as error:
                    sys.exit(f"{name}: {key} is not valid for Kubernetes {version}: {error}")
        print(f"{name}: {len(rendered[name])} objects valid for Kubernetes {', '.join(KUBERNETES)}, strictly")


main()
