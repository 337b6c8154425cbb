
# ---- Before anything is changed ----

usage() {
  cat <<END
Applies $TITLE, and waits until it is ready.

usage: sh apply.sh [--yes] [--dry-run] [--prune] [--delete] [--context NAME] [--without-controller]

  --yes                 ask nothing
  --dry-run             change nothing: show what would be done. The server judges each object, once the namespaces are
                        there; the second batch can be tried only when the CRDs of the first are in the cluster.
  --delete              delete it again, in reverse: webhooks, Ingress (waits for the ALB to go), custom resources, all the
                        rest, namespaces last
  --prune               delete, in the same order, what an earlier render brought and this one does not have: shown and asked
                        for before, done when all else is ready. CRDs and Namespaces stay, unless --prune-crds or
                        --prune-namespaces is said as well, and what is of somebody else stays. With --delete too.
  --inventory NAME      where it is kept what was brought: ConfigMap knrender-inventory.NAME; without it, the name of the
                        folder. Renders that follow one another from different folders take the same.
  --context NAME        the context of kubectl's configuration; without it, the current one
  --without-controller  the load balancer controller comes later: no ALB is waited for, and its lack is no failure
  -h, --help            this

All waits together end after $WAIT seconds; KNRENDER_WAIT sets another number. A request that hangs may add a minute.
It can be run again after any interruption, and ends in the same state.

exit codes: 0 done; 1 failed, or not ready in time; 2 usage; 3 stopped before anything was changed; 130 interrupted
END
}

check_server() {
  ask "reach the server" k get --raw /version
  minor=$(printf '%s' "$said" | tr -d ' \n' | sed -n 's/.*"gitVersion":"v1\.\([0-9]*\).*/\1/p')
  if [ -z "$minor" ]; then
    note "the server does not say which Kubernetes it is"
    return
  fi
  while read -r min max must part; do
    if [ -n "$part" ] && [ "$min" != - ] && [ "$minor" -lt "$min" ]; then
      if [ "$must" = must ]; then
        fail 3 "this server is Kubernetes 1.$minor; $part ends itself on anything older than 1.$min. Nothing was changed."
      fi
      note "this server is Kubernetes 1.$minor; $part supports 1.$min and newer"
    fi
    if [ -n "$part" ] && [ "$max" != - ] && [ "$minor" -gt "$max" ]; then
      note "this server is Kubernetes 1.$minor; $part supports no newer one than 1.$max"
    fi
  done <<END
$(supported)
END
}

# Fargate profiles are AWS's, not Kubernetes': through this API only their nodes can be seen.
check_fargate() {
  if [ -n "$(k get nodes --selector eks.amazonaws.com/compute-type=fargate -o name 2>/dev/null)" ]; then return; fi
  note "no Fargate node can be seen from here. A profile has to select each of these namespaces, or their pods stay Pending:"
  of_kind namespace | awk '{ print "        " $2 }'
  say "      \`aws eks list-fargate-profiles --cluster-name ${CLUSTER:-NAME} --region ${REGION:-REGION}\` lists the profiles."
}

# Whether somebody will make an ALB. Without a controller the rest is applied all the same: it takes the Ingress when it comes.
# Sets $no_controller to what is missing.
check_controller() {
  no_controller=
  if [ -z "$CONTROLLER" ] || [ -n "$without_controller" ]; then return; fi
  missing=
  ask "look for the load balancer controller" k get deployments --all-namespaces --selector "app.kubernetes.io/name=$CONTROLLER" -o name
  [ -n "$said" ] || missing="no Deployment with the label app.kubernetes.io/name=$CONTROLLER is there"
  for class in $(classes); do
    ask "look for IngressClass $class" k get ingressclass "$class" --ignore-not-found -o name
    [ -n "$said" ] || missing="${missing:+$missing, and }no IngressClass $class"
  done
  no_controller=$missing
  if [ -z "$missing" ]; then return; fi
  note "the load balancer controller is missing: $missing. The Ingress has no ALB until it is installed: $(how_to_install)"
}
how_to_install() { printf '%s' "${INSTALL:-sh $(dirname -- "$0")/alb-controller/install.sh}"; }

# Knative's controller ends itself where it is missing; internal-tls/install.sh brings it.
check_cert_manager() {
  if [ -z "$CERT_MANAGER" ]; then return; fi
  ask "look for cert-manager" k get crd clusterissuers.cert-manager.io --ignore-not-found -o name
  if [ -n "$said" ]; then return; fi
  missing="cert-manager is missing, without which Knative's controller does not start; first: sh $(dirname -- "$0")/internal-tls/install.sh"
  [ -n "$dry_run" ] || fail 3 "$missing. Nothing was changed."
  note "$missing"
}

check_metrics() {
  if [ -z "$SCALES" ]; then return; fi
  if [ -n "$(k get apiservice v1beta1.metrics.k8s.io -o name 2>/dev/null)" ]; then return; fi
  note "metrics-server is missing (APIService v1beta1.metrics.k8s.io): what scales by CPU stays at its least number of pods"
}

# Knative goes up one minor version at a time (https://knative.dev/docs/install/upgrade/upgrade-installation/). Sets
# $running to the versions that run, none for a new installation. 1.0 came after 0.26; 0.10 has only a label of its own.
check_knative() {
  running=
  if [ -z "$KNATIVE" ]; then return; fi
  ask "look for a running Knative" k get deployments --namespace knative-serving --ignore-not-found -o jsonpath='{range .items[*]}{.metadata.labels.app\.kubernetes\.io/name} {.metadata.labels.app\.kubernetes\.io/version} {.metadata.labels.serving\.knative\.dev/release}{"\n"}{end}'
  running=$(printf '%s\n' "$said" | awk '$1 == "knative-serving" && $2 ~ /^v?[0-9]+\.[0-9]/ { print $2 } NF == 1 && /v[0-9]+\.[0-9]/ { print $1 }' | sed 's/^v//' | sort -u)
  for version in $running; do
    jump=$(printf '%s %s\n' "$version" "$KNATIVE" | awk '
      function rank(version,  part) { split(version, part, "."); return part[1] ? (part[1] - 1) * 1000 + 27 + part[2] : part[2] }
      { print rank($2) - rank($1) }')
    if [ "$jump" -gt 1 ]; then
      between=$(printf '%s\n' "$version" | awk -F. '{ if ($1 == 0 && $2 >= 26) print "1.0"; else print $1 "." $2 + 1 }')
      fail 3 "Knative $version runs here, and goes up one minor version at a time: first \`knrender --knative $between --out between/\` and \`sh between/apply.sh --inventory $inventory_name\`. Nothing was changed."
    elif [ "$jump" -lt -1 ]; then
      fail 3 "Knative $version runs here, and this render is for $KNATIVE: no one goes back so far. Nothing was changed."
    elif [ "$jump" -lt 0 ]; then
      note "Knative $version runs here: this goes back to $KNATIVE, which Knative does not document"
    elif [ "$version" != "$KNATIVE" ]; then
      note "Knative $version runs here: this brings it to $KNATIVE"
    fi
  done
}
