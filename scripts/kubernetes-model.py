"""Writes data/kubernetes/model.txt, the table of Kubernetes' own kinds and their fields that `knrender validate` reads.

It is derived from the JSON schemas in the Python package kubernetes-validate (pip install kubernetes-validate==1.37.0):

    python scripts/kubernetes-model.py > data/kubernetes/model.txt

With --check it compares instead, and ends with exit code 1 where the file is another.

A line is `RANGE kind API KIND SCOPE TYPE` or `RANGE type NAME FIELD:TYPE ...`, sorted. RANGE is the minor versions of Kubernetes 1
in which it is so. Types: s string, b boolean, i 32-bit and l 64-bit integer, n number, t time, y base64, q quantity, x integer or
string, * anything, [T] list, {T} map by string, else the name of a type. `!` after a type: required. `@a,b` after a list: items
are told apart by these fields; `@` alone: the items differ.
"""

import json
import pathlib
import sys

import kubernetes_validate

MINORS = range(31, 38)
ROOT = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
OUT = pathlib.Path(__file__).resolve().parent.parent / "data/kubernetes/model.txt"
PREFIXES = [
    ("io.k8s.api.", ""),
    ("io.k8s.apimachinery.pkg.apis.", ""),
    ("io.k8s.apimachinery.pkg.", ""),
    ("io.k8s.apiextensions-apiserver.pkg.apis.", ""),
    ("io.k8s.kube-aggregator.pkg.apis.", ""),
]
BUILT_IN = {
    "util.intstr.IntOrString": "x",
    "api.resource.Quantity": "q",
    "meta.v1.Time": "t",
    "meta.v1.MicroTime": "t",
    "meta.v1.FieldsV1": "*",
    "runtime.RawExtension": "*",
    "apiextensions.v1.JSON": "*",
    "apiextensions.v1.JSONSchemaPropsOrStringArray": "*",
}
# The schemas do not say which kinds have no namespace.
CLUSTER = set(
    """
    APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ClusterTrustBundle ComponentStatus
    CustomResourceDefinition DeviceClass DeviceTaintRule FlowSchema IPAddress IngressClass MutatingAdmissionPolicy
    MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node PersistentVolume PriorityClass
    PriorityLevelConfiguration ResourceSlice RuntimeClass SelfSubjectAccessReview SelfSubjectReview SelfSubjectRulesReview
    ServiceCIDR StorageClass StorageVersion StorageVersionMigration SubjectAccessReview TokenReview ValidatingAdmissionPolicy
    ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeAttachment VolumeAttributesClass
    """.split()
)
# What a client posts for an answer, or what only exists inside other objects, is no manifest.
NO_MANIFEST = {"Binding", "DeleteOptions", "Eviction", "Scale", "Status", "TokenRequest", "WatchEvent", "APIGroup", "APIVersions"}


def short(name):
    for prefix, instead in PREFIXES:
        if name.startswith(prefix):
            return instead + name[len(prefix) :]
    return name


def named(name):
    return BUILT_IN.get(short(name), short(name))


def type_of(schema):
    if "$ref" in schema:
        return named(schema["$ref"].rsplit("/", 1)[1])
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next(k for k in kind if k != "null")
    if kind == "array":
        keys = ""
        if schema.get("x-kubernetes-list-type") == "map":
            keys = "@" + ",".join(schema["x-kubernetes-list-map-keys"])
        elif schema.get("x-kubernetes-list-type") == "set":
            keys = "@"
        return f"[{type_of(schema['items'])}]{keys}"
    if kind == "object":
        extra = schema.get("additionalProperties")
        return "{%s}" % type_of(extra) if isinstance(extra, dict) else "*"
    if kind == "string":
        return {"byte": "y", "date-time": "t"}.get(schema.get("format"), "s")
    if kind == "integer":
        return "i" if schema.get("format") == "int32" else "l"
    return {"boolean": "b", "number": "n"}.get(kind, "*")


def lines_of(minor):
    definitions = json.loads((ROOT / f"v1.{minor}.0-local-strict/_definitions.json").read_text())["$defs"]
    kinds = {}
    for name, schema in definitions.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", []):
            kind = gvk["kind"]
            if len(schema["x-kubernetes-group-version-kind"]) > 1 or kind in NO_MANIFEST or kind.endswith("Options"):
                continue
            if kind.endswith("List") and "items" in schema.get("properties", {}):
                continue
            api = f"{gvk['group']}/{gvk['version']}".lstrip("/")
            kinds[named(name)] = f"kind {api} {kind} {'cluster' if kind in CLUSTER else 'namespaced'} {named(name)}"
    wanted, seen = list(kinds), set()
    lines = list(kinds.values())
    by_short = {short(name): schema for name, schema in definitions.items()}
    while wanted:
        name = wanted.pop()
        if name in seen or name not in by_short:
            continue
        seen.add(name)
        schema = by_short[name]
        fields = []
        for field, value in sorted(schema.get("properties", {}).items()):
            text = type_of(value)
            fields.append(f"{field}:{text}{'!' if field in schema.get('required', []) else ''}")
            wanted.append(text.strip("[]{}").split("]")[0].strip("[]{}"))
        if name == "apiextensions.v1.JSONSchemaProps":
            # A schema that may also be a boolean or a list, and is one in nearly every CRD.
            wanted.append(name)
        lines.append(" ".join(["type", name, *fields]))
    return lines


def model():
    ranges = {}
    for minor in MINORS:
        for line in lines_of(minor):
            ranges.setdefault(line, []).append(minor)
    out = []
    for line, minors in ranges.items():
        start = minors[0]
        for this, following in zip(minors, minors[1:] + [None]):
            if following != this + 1:
                out.append((line.split(" ")[0:3], start, f"{start}-{this} {line}"))
                start = following
    return "".join(line + "\n" for _, _, line in sorted(out))


def main():
    text = model()
    if sys.argv[1:] == ["--check"]:
        if OUT.read_text() != text:
            sys.exit(f"{OUT.name} is not what scripts/kubernetes-model.py writes")
        print(f"{OUT.name}: {text.count(chr(10))} lines, {len(text)} bytes, as the schemas say")
    else:
        sys.stdout.write(text)


main()
