"""What is rendered for the cluster and the shell: ClusterConfigs against eksctl's schema, scripts and pages against shellcheck."""

import json
import pathlib
import subprocess
import sys

import jsonschema
import yaml

from renders import RENDERS, SHARED


def shell(path):
    """Shell of a script, or in the code blocks of a page, as shellcheck likes it."""
    text = path.read_text()
    if path.suffix == ".md":
        text = "".join(block.split("```")[0] for block in text.split("```sh\n")[1:])
    shellcheck = pathlib.Path(sys.executable).parent / "shellcheck"
    checked = subprocess.run([shellcheck, "--shell=sh", "-"], input=text, text=True, check=False, capture_output=True)
    if checked.returncode:
        sys.exit(f"{path}: {checked.stdout}{checked.stderr}")


def check(folder):
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
