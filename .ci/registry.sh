#!/bin/sh
# `images lock` and the relocation script against a registry that others wrote: Debian's docker-registry, with skopeo.
# Usage: registry.sh KNRENDER
set -eu
knrender=$1

if ! command -v docker-registry >/dev/null || ! command -v skopeo >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! apt-get install -qq -y --no-install-recommends docker-registry skopeo >/dev/null 2>&1; then
    echo "a real registry NOT asked: docker-registry and skopeo cannot be installed here"
    exit 0
  fi
fi

work=$(mktemp -d)
registry=
trap 'test -z "$registry" || kill "$registry"; rm -rf "$work"' EXIT
port=5817
cat >"$work/registry.yml" <<YML
version: 0.1
storage: {filesystem: {rootdirectory: $work/storage}}
http: {addr: "127.0.0.1:$port"}
log: {level: error}
YML
docker-registry serve "$work/registry.yml" >"$work/log" 2>&1 &
registry=$!
# skopeo reads these below HOME: http to this machine, and no signatures asked for.
export HOME="$work"
unset XDG_CONFIG_HOME XDG_RUNTIME_DIR
mkdir -p "$work/.config/containers"
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/.config/containers/policy.json"
cat >"$work/.config/containers/registries.conf" <<CONF
[[registry]]
location = "127.0.0.1:$port"
insecure = true
[[registry]]
location = "localhost:$port"
insecure = true
CONF

# An image of one small layer, with an index, as an OCI layout.
python3 - "$work/layout" <<'PY'
import gzip, hashlib, io, json, os, sys, tarfile
root = sys.argv[1]
os.makedirs(root + "/blobs/sha256")
def blob(data, kind, **more):
    digest = hashlib.sha256(data).hexdigest()
    open(f"{root}/blobs/sha256/{digest}", "wb").write(data)
    return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data), **more}
tar = io.BytesIO()
with tarfile.open(fileobj=tar, mode="w") as archive:
    archive.addfile(tarfile.TarInfo("a"))
diff = "sha256:" + hashlib.sha256(tar.getvalue()).hexdigest()
v1 = "application/vnd.oci.image."
layer = blob(gzip.compress(tar.getvalue(), mtime=0), v1 + "layer.v1.tar+gzip")
def image(arch):
    config = {"os": "linux", "architecture": arch, "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff]}}
    config = blob(json.dumps(config).encode(), v1 + "config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": v1 + "manifest.v1+json", "config": config, "layers": [layer]}
    return blob(json.dumps(manifest).encode(), v1 + "manifest.v1+json", platform={"os": "linux", "architecture": arch})
index = {"schemaVersion": 2, "mediaType": v1 + "index.v1+json", "manifests": [image("amd64"), image("arm64")]}
index = blob(json.dumps(index).encode(), v1 + "index.v1+json")
json.dump({"imageLayoutVersion": "1.0.0"}, open(root + "/oci-layout", "w"))
json.dump({"schemaVersion": 2, "manifests": [index]}, open(root + "/index.json", "w"))
PY

tries=0
until skopeo copy --quiet --all --preserve-digests "oci:$work/layout" "docker://127.0.0.1:$port/org/app:1.0" 2>"$work/error"; do
  tries=$((tries + 1))
  [ "$tries" -lt 20 ] || { cat "$work/error" "$work/log"; exit 1; }
  sleep 0.5
done

cd "$work"
cat >m.yaml <<YML
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: a, image: "127.0.0.1:$port/org/app:1.0"}]}
YML
"$knrender" images lock m.yaml
"$knrender" images relocate --to "localhost:$port/copied" --tool skopeo m.yaml >relocate.sh
sh relocate.sh
sh relocate.sh 2>&1 | grep -q '^there: ' || { echo "the second run copies again"; exit 1; }
digest=$(sed -n 's/.*digest: "\{0,1\}\(sha256:[0-9a-f]*\).*/\1/p' knrender.lock | head -1)
copied=$(skopeo inspect --raw "docker://localhost:$port/copied/org/app:1.0" | skopeo manifest-digest /dev/stdin)
[ "$digest" = "$copied" ] || { echo "locked $digest, and the copy is $copied"; exit 1; }
# A tag that goes, and an image that goes with it.
repositories=$work/storage/docker/registry/v2/repositories/org/app
rm -r "$repositories/_manifests/tags/1.0"
if "$knrender" images lock m.yaml 2>said; then echo "a tag that is gone is locked"; exit 1; fi
grep -q "is still there: a render with --locked goes on" said || { cat said; exit 1; }
rm -r "$repositories"
if "$knrender" images lock m.yaml 2>said; then echo "an image that is gone is locked"; exit 1; fi
grep -q "is gone, too: no new pod can pull it" said || { cat said; exit 1; }
echo "a real registry: locked, copied, and the digest is the same; what is gone is told"
