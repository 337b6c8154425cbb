"""Changes the objects of a render, one field at a time, and compares what `knrender validate` says with kubernetes-validate.

Usage: agree.py KNRENDER FOLDER... Each change is one that the schemas decide: an unknown field, a value of another type, a required
field taken away. What the schemas refuse, knrender has to refuse, except for what the API server is known to do without; what they
take, knrender has to take for every change that leaves the object's meaning alone.
"""

import copy
import json
import pathlib
import random
import subprocess
import sys

import yaml

import schemas

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The schemas call these required; the API server defaults them or takes their zero.
DEFAULTED = {"value", "apiGroup", "serviceName", "podSelector", "limits", "rules", "served", "storage", "preference"}
VERSIONS = ["1.34", "1.36"]


def paths(value, path=()):
    """Every mapping and every value in it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path + (key,)
            yield from paths(inner, path + (key,))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from paths(inner, path + (i,))


def put(value, path, change):
    value = copy.deepcopy(value)
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    change(inner, path[-1])
    return value


def mutants(thing, rng):
    places = [p for p in paths(thing) if p[0] not in ("apiVersion", "kind", "status") and p[:2] != ("metadata", "name")]
    for path in rng.sample(places, min(12, len(places))):
        kind = rng.choice(["type", "unknown", "missing", "null"])
        if kind == "type":
            value = rng.choice([{"a": "b"}, ["a"], True, 7])
            yield kind, path, put(thing, path, lambda m, k, v=value: m.__setitem__(k, v))
        elif kind == "unknown":
            yield kind, path[:-1] + ("fieldOfNoType",), put(thing, path, lambda m, k: m.__setitem__("fieldOfNoType", 1))
        elif kind == "missing":
            yield kind, path, put(thing, path, lambda m, k: m.__delitem__(k))
        else:
            yield kind, path, put(thing, path, lambda m, k: m.__setitem__(k, None))


def refused_by_schema(thing, version):
    try:
        schemas.validate(thing, version, strict=True)
        return None
    except schemas.ValidationError as error:
        # A null is one thing in a schema of two branches, and is nothing to the API server.
        return None if "is valid under each of" in error.message else str(error.message)


def made_of(folders, version, rng):
    made = []
    for file in sorted(file for folder in folders for file in pathlib.Path(folder).glob("*.yaml")):
        for thing in yaml.load_all(file.read_text(), LOADER):
            try:
                schemas.validate(thing, version, strict=True)
            except schemas.SchemaNotFoundError:
                continue
            if thing["kind"] != "CustomResourceDefinition" or rng.random() < 0.4:
                made.extend((thing["kind"], *mutant) for mutant in mutants(thing, rng))
    return made


def said_by(knrender, made, version):
    """What knrender finds in each changed object."""
    text = "".join(f"---\n{json.dumps(mutant)}\n" for *_, mutant in made)
    command = [knrender, "validate", "-", "--kubernetes", version, "--format", "json", "--quiet"]
    report = json.loads(subprocess.run(command, input=text, capture_output=True, text=True).stdout)
    said = {}
    for finding in report["findings"]:
        if finding["severity"] == "error" and finding["line"] is not None:
            # A document starts on the line after its mark.
            said.setdefault((finding["line"] - 2) // 2, []).append(finding)
    return said


def main():
    knrender, folders = sys.argv[1], sys.argv[2:]
    wrong = 0
    for version in VERSIONS:
        made = made_of(folders, version, random.Random(1))
        said = said_by(knrender, made, version)
        missed = decided = extra = 0
        for i, (kind, change, path, mutant) in enumerate(made):
            refusal, ours = refused_by_schema(mutant, version), said.get(i, [])
            decided += refusal is not None
            if refusal and not ours and not (change in ("missing", "null") and path[-1] in DEFAULTED):
                missed += 1
                print("missed:", kind, change, "/".join(map(str, path)), "-", refusal[:120])
            by_shape = [finding for finding in ours if finding["code"] in ("unknown-field", "wrong-type")]
            # The schemas leave these parts of a CRD open; the API server reads them as schemas, and knows no field of a status.
            open_part = kind == "CustomResourceDefinition" and {"items", "additionalProperties", "subresources"} & set(path)
            if refusal is None and by_shape and not open_part:
                extra += 1
                print("too strict:", kind, change, "/".join(map(str, path)), "-", by_shape[0]["what"])
        print(
            f"Kubernetes {version}: {len(made)} changed objects; the schemas refuse {decided}, of which knrender misses {missed}; "
            f"it refuses {extra} by type or field that they take"
        )
        wrong += missed + extra
    if wrong:
        sys.exit(1)


main()
