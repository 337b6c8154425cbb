# ---- Before anything is changed ----

check_server() {
  must "reach the server" k get --raw /version
  minor=$(say "$said" | tr -d ' \n' | sed -n 's/.*"gitVersion":"v1\.\([0-9]*\).*/\1/p')
  if [ -n "$minor" ]; then each check_part "$SUPPORTED"; else note "the server does not say which Kubernetes it is"; fi
}
check_part() {
  min=$1 max=$2 must=$3
  shift 3
  this="this server is Kubernetes 1.$minor; $*"
  if [ "$min" != - ] && [ "$minor" -lt "$min" ]; then
    [ "$must" != must ] || stop "$this ends itself on anything older than 1.$min."
    note "$this supports 1.$min and newer"
  fi
  if [ "$max" != - ] && [ "$minor" -gt "$max" ]; then note "$this supports no newer one than 1.$max"; fi
}

# Knative goes up one minor version at a time (https://knative.dev/docs/install/upgrade/upgrade-installation/). 1.0 came
# after 0.26; 0.10 has only a label of its own.
check_knative() {
  if [ -z "$KNATIVE" ]; then return; fi
  must "look for a running Knative" kn knative-serving get deployments --ignore-not-found -o jsonpath="$LABELS"
  each check_jump "$(say "$said" | awk '
    $1 == "knative-serving" && $2 ~ /^v?[0-9]+\.[0-9]/ { print $2 }
    NF == 1 && /v[0-9]+\.[0-9]/ { print $1 }' | sed 's/^v//' | sort -u)"
}
LABELS="{range .items[*]}
{.metadata.labels['app\.kubernetes\.io/name','app\.kubernetes\.io/version','serving\.knative\.dev/release']}{end}"
check_jump() {
  jump=$(say "$1 $KNATIVE" | awk '
    function rank(v,  part) { split(v, part, "."); return part[1] ? (part[1] - 1) * 1000 + 27 + part[2] : part[2] }
    { print rank($2) - rank($1) }')
  if [ "$jump" -gt 1 ]; then
    between=$(say "$1" | awk -F. '{ if ($1 == 0 && $2 >= 26) print "1.0"; else print $1 "." $2 + 1 }')
    stop "Knative $1 runs here, and goes up one minor version at a time: first" \
      "\`knrender --knative $between --out between/\` and \`sh between/apply.sh --inventory $inventory_name\`."
  elif [ "$jump" -lt -1 ]; then
    stop "Knative $1 runs here, and this render is for $KNATIVE: no one goes back so far."
  elif [ "$jump" -lt 0 ]; then
    note "Knative $1 runs here: this goes back to $KNATIVE, which Knative does not document"
  elif [ "$1" != "$KNATIVE" ]; then
    note "Knative $1 runs here: this brings it to $KNATIVE"
  fi
}

#if cert-manager
# Knative's controller ends itself where it is missing; internal-tls/install.sh brings it.
check_cert_manager() {
  if is_there crd clusterissuers.cert-manager.io; then return; fi
  missing="cert-manager is missing, without which Knative's controller does not start; first:"
  missing="$missing sh $(dirname -- "$0")/internal-tls/install.sh"
  [ -n "$dry_run" ] || stop "$missing."
  note "$missing"
}

#end
# Whether somebody will make an ALB; sets $no_controller to what is missing. The rest is applied all the same: a
# controller takes the Ingress when it comes.
check_controller() {
  if [ -z "$CONTROLLER" ] || [ -n "$without_controller" ]; then return; fi
  label=app.kubernetes.io/name=$CONTROLLER
  must "look for the load balancer controller" k get deployments --all-namespaces --selector "$label" -o name
  [ -n "$said" ] || no_controller="no Deployment with the label $label is there"
  for class in $CLASSES; do
    is_there ingressclass "$class" || no_controller="${no_controller:+$no_controller, and }no IngressClass $class"
  done
  if [ -z "$no_controller" ]; then return; fi
  note "the load balancer controller is missing: $no_controller." \
    "The Ingress has no ALB until it is installed: $(how_to_install)"
}
how_to_install() { say "${INSTALL:-sh $(dirname -- "$0")/alb-controller/install.sh}"; }

# Fargate profiles are AWS's, not Kubernetes': through this API only their nodes can be seen.
check_fargate() {
  if [ -n "$(k get nodes --selector eks.amazonaws.com/compute-type=fargate -o name 2>/dev/null)" ]; then return; fi
  note "no Fargate node can be seen from here. A profile has to select each of these namespaces, or their pods stay" \
    "Pending: $(names namespace | paste -sd ' ' -). They are listed by" \
    "\`aws eks list-fargate-profiles --cluster-name ${CLUSTER:-NAME} --region ${REGION:-REGION}\`"
}

check_metrics() {
  if [ -z "$SCALES" ] || [ -n "$(k get apiservice v1beta1.metrics.k8s.io -o name 2>/dev/null)" ]; then return; fi
  note "metrics-server is missing (APIService v1beta1.metrics.k8s.io):" \
    "what scales by CPU stays at its least number of pods"
}

# What the server would refuse is said now, rather than in the middle: rights that are missing, fields that may not
# change, a policy's no. Dry runs tell, which store nothing, and what they judge is what will be done.
check_refusals() {
  say "Ask the server what it would refuse"
  refused=
  each would_delete "$list"
  if [ -n "$refused" ]; then
    say "$refused" >&2
    [ -n "$delete" ] || say "Without --prune the rest can be applied."
    [ -n "$dry_run" ] || stop "the server refuses these deletions."
  fi
  if [ -n "$delete" ]; then return; fi
  refused=
  for file in $CONTROLLER_FILE $FIRST; do would try_to_apply "$file"; done
  if [ -z "$refused" ]; then return; fi
  say "$refused" >&2
  # A CRD that lacks a version in which objects are stored.
  case $refused in *storedVersions*) ;; *) stop "the server refuses this." ;; esac
  #if no-migration
  stop "objects are stored in a version that the new CRDs do not have." \
    "Render with --with upgrade-jobs: its Job moves them first."
  #end
}
would() { said=$("$@" 2>&1) || refused=$(lines "$refused" "$(sort_out refused "$(say "$said" | without_noise)")"); }
would_delete() {
  kind=$1 namespace=$2
  shift 2
  would any "$namespace" delete "$kind" --ignore-not-found --dry-run=server "$@"
}
try_to_apply() { dry=server && apply "$1"; }

# With --dry-run, in the place of all that follows.
rehearse() {
  dry=server
  for name in $(names namespace); do is_there namespace "$name" || dry=client; done
  [ "$dry" = server ] ||
    note "namespaces are missing, so that the server cannot judge what goes into them; kubectl alone looks"
  for file in $CONTROLLER_FILE $FIRST; do try "Would apply" "$file"; done
  #if second
  missing=
  for name in $(names "$CRD"); do is_there crd "$name" || missing=$name; done
  if [ -z "$missing" ]; then
    try "Would wait for the CRDs and apply" "$SECOND"
  else
    say "Would wait for the CRDs and apply $SECOND"
    note "it cannot be tried before its CRDs are there ($missing is not)"
  fi
  #end
  say "Would wait, $WAIT seconds at the most, for"
  of_kind deployment.apps | awk '{ print "  Deployment " $1 "/" $2 }'
  say "$WEBHOOKS" | awk 'NF { print "  an endpoint of Service " $1 "/" $2 }'
  #if jobs
  say "$UPGRADE_JOBS" | awk 'NF { print "  Job " $1 "/" $2 }'
  #end
  of_kind "$INGRESS_KIND" | awk '{ print "  the ALB of Ingress " $1 "/" $2 }'
  if [ -z "$DOMAIN" ] && [ -n "$DOMAIN_NAMESPACE" ]; then say "Would set config-domain to the ALB's name"; fi
}
try() {
  say "$1 $2"
  must "try $2" apply "$2"
  show_applied
}

