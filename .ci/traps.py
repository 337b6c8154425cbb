"""Holds knrender's reading and writing of YAML against two readers that are not ours: PyYAML, given go-yaml's idea of what a
scalar is, and kubectl, which is asked without a server.

`tests/fixtures/yaml-traps.jsonl` has texts on which readers differ and what kubectl reads; the tests hold knrender's reader to
it. Here both readers are held to it too, and then what knrender writes: one render edits every trap in place, and writes every
trap anew as an item of a List.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
TRAPS = [json.loads(row) for row in (ROOT / "tests/fixtures/yaml-traps.jsonl").read_text().split("\n") if row]
CORE = "tag:yaml.org,2002:"
PLAIN = "!plain"

# Where PyYAML's scanner is stricter than go-yaml's, or another one, no rule for scalars helps.
UNLIKE = re.compile(r"[\x80\x85\u2028\u2029\ufeff\ufffe\uffff]|\{[^}]*:[,}]|\[[^\]]*:[\],]|[\[{]\??-?[\]}]|\\u[dD]8|: !( |$)")


class Loader(yaml.SafeLoader):
    """PyYAML's scanner and parser; what a scalar is, is left open."""

    def resolve(self, kind, value, implicit):
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else CORE + "str"
        return None


BOOLS = {word: value for value, words in [
    (True, "y Y yes Yes YES true True TRUE on On ON"), (False, "n N no No NO false False FALSE off Off OFF"),
] for word in words.split()}
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
DOTTED = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+)?")


class Refused(Exception):
    """What go-yaml takes for no value that JSON has."""


UNREAD = (yaml.YAMLError, Refused, ValueError, RecursionError)


def plain(text):
    """go-yaml v2's resolve.go, written down once more."""
    if text in BOOLS:
        return BOOLS[text]
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)", text) or text in (".nan", ".NaN", ".NAN"):
        return float(text.replace(".", "", 1))
    if text.startswith("."):
        number = float(text.replace("_", "")) if DOTTED.fullmatch(text) else None
    elif text[0] in "+-0123456789":
        digits = text.replace("_", "")
        found = INT.fullmatch(digits)
        if found:
            sign, *parts = found.groups()
            base, part = next((base, part) for base, part in zip((16, 2, 8, 10), parts) if part is not None)
            number = int(sign + part, base)
            if -(2**63) <= number < 2**63 or not sign and number < 2**64:
                return number
        number = float(digits) if FLOAT.fullmatch(digits) else None
    else:
        return text
    return text if number is None or number in (float("inf"), float("-inf")) else number


def key_of(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int) and value < 2**63:
        return str(value)
    if isinstance(value, float):
        return float_key(value)
    raise Refused(f"{value!r} is no key")


def float_key(value):
    """Go's FormatFloat(value, 'g', -1, 32)."""
    import struct

    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        single = float("inf") if value > 0 else float("-inf")
    if single != single:
        return ".nan"
    if single in (float("inf"), float("-inf")):
        return ".inf" if single > 0 else "-.inf"
    for precision in range(1, 10):
        short = f"{single:.{precision - 1}e}"
        if struct.unpack("f", struct.pack("f", float(short)))[0] == single:
            break
    mantissa, exponent = short.split("e")
    exponent = int(exponent)
    if -4 <= exponent < 6:
        return f"{float(short):.{max(precision - 1 - exponent, 0)}f}"
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def value_of(node, is_key=False):
    """The value of a node, as go-yaml v2 and sigs.k8s.io/yaml make it."""
    if isinstance(node, yaml.SequenceNode):
        return [value_of(item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        found = {}
        for key, value in node.value:
            if key.tag == PLAIN and key.value == "<<" or key.tag == CORE + "merge":
                merged = value.value[::-1] if isinstance(value, yaml.SequenceNode) else [value]
                if not all(isinstance(part, yaml.MappingNode) for part in merged):
                    raise Refused("no mapping to merge")
                for part in merged:
                    found.update(value_of(part))
            else:
                found[key_of(value_of(key, True))] = value_of(value)
        return found
    kind = node.tag.removeprefix(CORE)
    if node.tag == PLAIN:
        value = plain(node.value)
    elif kind == "binary":
        import base64

        return base64.b64decode(node.value, validate=True).decode()
    elif node.tag.startswith(CORE) and kind in ("bool", "int", "float", "null"):
        value = plain(node.value)
        value = float(value) if kind == "float" and type(value) is int else value
        if type(value) is not {"bool": bool, "int": int, "float": float, "null": type(None)}[kind]:
            raise Refused(f"{node.value} is not {kind}")
    else:
        return node.value
    if isinstance(value, float) and not is_key and value - value != 0:
        raise Refused("JSON has no such number")
    return value


def pyyaml(text):
    """All documents of a text; the last line ends, as it does for kubectl."""
    text = text if text.endswith("\n") or not text else text + "\n"
    return [value_of(node) if node else None for node in yaml.compose_all(text, Loader=Loader)]


def same(ours, theirs):
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return ours == theirs or abs(ours - theirs) <= 1e-15 * abs(theirs)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(value, theirs[key]) for key, value in ours.items())
    return ours == theirs


def held_by_pyyaml():
    """The traps that PyYAML reads, each as the table says. How many, and how many its scanner does not read."""
    read = unread = 0
    for row in TRAPS:
        if UNLIKE.search(row["text"]):
            continue
        try:
            found = pyyaml(row["text"])
        except UNREAD:
            found = None
        if "refused" in row or found is None:
            unread += 1
            continue
        read += 1
        assert same(found[0] if found else None, row["reads"]), f"{row['text']!r}: PyYAML reads {found}"
    return read, unread


def nested():
    """The traps that can stand below a key of an object and mean the same, by the name of their object."""
    found = {}
    for number, row in enumerate(TRAPS):
        text = row["text"]
        lines = text.split("\n")
        fits = "reads" in row and not UNLIKE.search(text) and isinstance(row["reads"], (dict, list)) and row["reads"]
        if not fits or re.search(r"[\r\t]|^\s*#|^[^:]*\n?  *\n*$", text) or "stricter" in row or lines[0].startswith((" ", "-\t")):
            continue
        block = "\n".join("  " + line if line else line for line in lines)
        try:
            alone = pyyaml(f"trap:\n{block}\n")[0]["trap"]
        except UNREAD:
            continue
        if same(alone, row["reads"]):
            found[f"t{number}"] = (block.rstrip("\n"), row["reads"])
    return found


MANIFEST = """apiVersion: v1
kind: Namespace
metadata:
  name: gloo-system
  labels:
    app: gloo
---
apiVersion: v1
kind: Service
metadata:
  name: knative-external-proxy
  namespace: gloo-system
spec:
  type: LoadBalancer
  ports:
  - port: 80
"""
RULE = """- rule: touch
  why: every trap is edited in place
  match: {kind: ConfigMap, name: "t*"}
  expect: some
  merge: {metadata: {labels: {touched: "yes"}}}
"""


def render(knrender, folder, traps):
    """What knrender makes of the traps: each edited in place, and each written anew as an item of a List."""
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}, namespace: gloo-system}}\ntrap:\n{}\n"
    texts = [MANIFEST] + [head.format(name, block) for name, (block, _) in traps.items()]
    items = "".join(
        "- " + head.format("l" + name[1:], block).replace("\n", "\n  ").rstrip(" ") for name, (block, _) in traps.items()
    )
    texts.append(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    mirror = folder / "mirror/github.com/solo-io/gloo/releases/download/v1.0.0"
    mirror.mkdir(parents=True)
    (mirror / "gloo-knative.yaml").write_text("---\n".join(texts))
    (folder / "rules").mkdir()
    (folder / "rules/touch.yaml").write_text(RULE)
    flags = ["--gloo", "v1.0.0", "--rule-set", "seed", "--rules", "rules", "--mirror", "mirror", "--out", "out", "--quiet"]
    environment = {"KNRENDER_CACHE": str(folder / "cache"), "PATH": "/usr/bin:/bin"}
    subprocess.run([knrender, *flags, "--offline"], cwd=folder, env=environment, check=True)
    return folder / "out/knative-gloo-fargate-first-batch.yaml"


def held(objects, traps, who):
    by_name = {o["metadata"]["name"]: o for o in objects if o and o.get("kind") == "ConfigMap"}
    for name, (_, reads) in traps.items():
        touched, anew = by_name[name], by_name["l" + name[1:]]
        assert touched["metadata"]["labels"] == {"touched": "yes"}, name
        for way, found in (("edited", touched), ("written anew", anew)):
            assert same(found["trap"], reads), f"{who} reads {found['trap']!r} where {reads!r} was {way}"


def kubectl(path):
    """What kubectl reads; None where there is none."""
    if not shutil.which("kubectl"):
        return None
    asked = ["kubectl", "patch", "--local", "--type=merge", "--patch={}", "--output=json", f"--filename={path}"]
    environment = {"KUBECONFIG": "/dev/null", "HOME": "/nonexistent", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    said = subprocess.run(asked, env=environment, check=True, capture_output=True, text=True).stdout
    objects, decoder, at = [], json.JSONDecoder(), 0
    while said[at:].strip():
        found, at = decoder.raw_decode(said, at + len(said[at:]) - len(said[at:].lstrip()))
        objects.append(found)
    return objects


def main(knrender):
    read, unread = held_by_pyyaml()
    assert read > 900, "PyYAML has to read most of them"
    traps = nested()
    assert len(traps) > 500, "most of them have to stand in objects"
    with tempfile.TemporaryDirectory() as temporary:
        written = render(knrender, pathlib.Path(temporary), traps)
        held(pyyaml(written.read_text()), traps, "PyYAML")
        objects = kubectl(written)
        if objects is not None:
            held(objects, traps, "kubectl")
    asked = "PyYAML and kubectl" if objects is not None else "PyYAML (there is no kubectl here)"
    print(f"{read} texts are read alike by PyYAML, {unread} not at all; {len(traps)} edited and written anew: alike for {asked}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
