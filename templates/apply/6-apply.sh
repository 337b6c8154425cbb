# ---- Applying ----

apply_all() {
  await_controller
  prepare_upgrade
  record_plan
  if [ -n "$CONTROLLER_FILE" ]; then apply_batch "$CONTROLLER_FILE"; fi
  apply_batch "$FIRST" ${NOT_LATER:+--selector "$NOT_LATER"}
  crds=$(of_kind customresourcedefinition.apiextensions.k8s.io | awk '{ print "crd/" $2 }')
  if [ -n "$crds" ]; then
    say "Wait until the CRDs are established"
    # shellcheck disable=SC2086 # a word for each CRD
    must "wait for the CRDs" k wait --for=condition=Established --timeout="$(a_while)" $crds
  fi
  if [ -n "$SECOND" ]; then
    new_kinds=yes
    # Where a webhook of the first batch has to let it pass, pods have to start, and somebody has to start them.
    apply "$SECOND" >/dev/null 2>&1 || await_attention
    apply_batch "$SECOND"
    new_kinds=
  fi
  # At once, whatever becomes of the waits; a webhook may still be down, and the Jobs for later are not there yet.
  is_recorded=
  if record attempt && [ -z "$LATER" ]; then is_recorded=yes; fi
  say "Wait for the Deployments; on Fargate a first pod takes more than a minute"
  await_attention
  each await_deployment "$(of_kind deployment.apps)"
  each await_webhook "$WEBHOOKS"
  each await_job "$UPGRADE_JOBS"
  each await_autoscaler "$(of_kind horizontalpodautoscaler.autoscaling)"
  if [ -z "$is_recorded" ]; then record persist || late "the inventory cannot be written"; fi
  if [ -n "$no_controller" ]; then
    fail 1 "everything is applied, and the Ingress has no ALB: $no_controller. Install the controller ($(how_to_install)) and run this again, or say --without-controller where that is meant."
  fi
  if [ -z "$without_controller" ]; then
    address=
    each await_address "$(of_kind "$INGRESS_KIND")"
    if [ -n "$address" ]; then
      set_domain
      say_how_to_call
    fi
    gate_gateway
  fi
}

# One batch. Server-side apply takes fields from other managers, as client-side apply always did. What controllers fill in at
# run time and no manifest has (a webhook's caBundle, its certificate, the ALB's name in config-domain) stays either way.
# What both write goes to and fro: a webhook's `rules`, which Knative expands to the kinds that it serves within seconds, and
# the ClusterRole knative-serving-admin of Knative 0.10, which kube-controller-manager fills again.
apply() {
  file=$1
  shift
  if [ -n "$SERVER_SIDE" ] && [ "$dry" != client ]; then set -- --server-side --force-conflicts "$@"; fi
  k apply -f "$folder/$file" ${dry:+--dry-run="$dry"} "$@"
}
# What an apply changed, without what it left alone.
show_applied() {
  printf '%s\n' "$warnings" "$said" | awk '/ unchanged/ { same++; next } NF { print "  " $0 } END { if (same) print "  " same " unchanged" }'
}
apply_batch() {
  say "Apply $1"
  persist "apply $1" apply "$@" || stuck_deployments "apply $1"
  show_applied
}

# A webhook of the controller's that does not answer refuses every Service and every Ingress.
await_controller() {
  if [ -n "$CONTROLLER" ] && [ -z "$without_controller$no_controller" ]; then
    say "Wait for the load balancer controller"
    persist "wait for the load balancer controller" k wait deployments --all-namespaces --selector "app.kubernetes.io/name=$CONTROLLER" --for=condition=Available --timeout="$(a_while)" ||
      late "the Deployment of the load balancer controller is not available; \`kubectl describe pods -A -l app.kubernetes.io/name=$CONTROLLER\` says why"
  fi
  must "look for the controller's webhook" k get mutatingwebhookconfigurations,validatingwebhookconfigurations -o jsonpath='{range .items[*]}{.metadata.name} {.webhooks[0].clientConfig.service.namespace} {.webhooks[0].clientConfig.service.name}{"\n"}{end}'
  each await_its_webhook "$(printf '%s\n' "$said" | awk '$1 ~ /^aws-load-balancer/ && NF == 3 { print $2, $3 }' | sort -u)"
}
await_its_webhook() {
  persist "wait for the controller's webhook" has_endpoint "$1" "$2" ||
    late "the webhook of the load balancer controller is configured, and Service $1/$2 has no ready pod behind it. It refuses every Service and Ingress until it has; where the controller is gone for good, delete the webhook configurations aws-load-balancer-*"
}
await_webhook() {
  persist "wait for the webhook" has_endpoint "$1" "$2" || late "Service $1/$2 has no ready pod behind it, so that its webhook answers nobody"
}
has_endpoint() {
  # shellcheck disable=SC2016 # a template of kubectl's; JSONPath ends in an error on a slice that has no endpoints yet
  ready=$(kn "$1" get endpointslices --selector "kubernetes.io/service-name=$2" -o go-template='{{range .items}}{{range .endpoints}}{{if .conditions.ready}}{{range .addresses}}{{.}} {{end}}{{end}}{{end}}{{end}}') || return
  [ -n "$ready" ] || not_yet "no endpoints available for Service $1/$2"
}

# Before the new core, and only where a stored version goes: the API server refuses a CRD that lacks a version in which
# objects are still stored. The Job that brings them to the newest version otherwise comes after the new core, as Knative's
# documentation has it ("post-install"). The dry run also shows now what would be refused in the middle.
prepare_upgrade() {
  if [ -z "$running" ] || [ "$running" = "$KNATIVE" ]; then return; fi
  say "Ask the server what it would refuse"
  if said=$(dry=server && apply "$FIRST" ${NOT_LATER:+--selector "$NOT_LATER"} 2>&1); then return; fi
  refused=$(sort_out refused "$(printf '%s\n' "$said" | without_noise)")
  if [ -z "$refused" ]; then return; fi
  case $refused in
  *storedVersions*) ;;
  *) not_yet "$refused" >&2 || fail 3 "the server refuses this. Nothing was changed." ;;
  esac
  [ -n "$MIGRATION" ] || not_yet "$refused" >&2 ||
    fail 3 "objects are stored in a version that the new CRDs do not have. Render with --with upgrade-jobs: its Job moves them first. Nothing was changed."
  say "Move stored objects to the version that stays"
  run_job "${MIGRATION%/*}" "${MIGRATION#*/}" "$MIGRATION_ONLY"
  # It runs once more after the new core.
  must "delete Job $MIGRATION" kn "${MIGRATION%/*}" delete job "${MIGRATION#*/}" --ignore-not-found --wait=false
}

# Applies Jobs, selected by label, and waits for one. A Job that failed is run anew. Client-side apply with --force deletes
# and makes anew a Job that was changed, since a Job cannot be.
run_job() {
  must "look for Job $1/$2" job_state "$1" "$2"
  case $said in
  *Failed*) must "delete the failed Job $1/$2" kn "$1" delete job "$2" --ignore-not-found ;;
  esac
  must "apply Job $1/$2" k apply --force -f "$folder/$FIRST" --selector "$3"
  persist "wait for Job $1/$2" job_is_over "$1" "$2" || {
    show_pods "$1" "job-name=$2"
    late "Job $1/$2 is not done"
  }
  case $said in
  *Failed*)
    kn "$1" logs "job/$2" --tail=20 >&2 || true
    fail 1 "Job $1/$2 failed. Running this again runs it anew."
    ;;
  esac
}
# `Complete`, `Failed`, or nothing.
job_state() { kn "$1" get job "$2" --ignore-not-found -o jsonpath='{.status.conditions[?(@.status=="True")].type}'; }
job_is_over() {
  state=$(job_state "$1" "$2") || return
  case $state in
  *Complete* | *Failed*) say "$state" ;;
  *) not_yet "timed out waiting for Job $1/$2" ;;
  esac
}
await_job() {
  say "Run Job $1/$2"
  run_job "$1" "$2" "$LATER"
}

# Where nobody acts on Deployments at all, all waiting is in vain: kube-controller-manager notes within seconds that it saw one.
await_attention() {
  one=$(of_kind deployment.apps | head -n 1)
  if [ -z "$one" ]; then return; fi
  whole=$end
  start_clock 60
  if [ "$end" -gt "$whole" ]; then end=$whole; fi
  persist "look at the first Deployment" is_seen "${one% *}" "${one#* }" || case $said in
  *"nobody looks at"*) fail 1 "nobody looks at Deployment ${one% *}/${one#* }: no kube-controller-manager runs here, so that no pod ever starts. What needs no pod is applied; running this again goes on from here." ;;
  esac
  end=$whole
}
is_seen() {
  seen=$(kn "$1" get deployment "$2" -o jsonpath='{.status.observedGeneration}') || return
  [ -n "$seen" ] || not_yet "timed out waiting for its status: nobody looks at Deployment $1/$2"
}
await_deployment() {
  roll_out "$1" "$2" "is not available"
  say "  $1/$2"
}
roll_out() {
  persist "wait for Deployment $1/$2" kn "$1" rollout status "deployment/$2" --timeout="$(a_while)" || stuck_deployments "Deployment $1/$2 $3"
}

# An autoscaler with a least number of pods makes the second one by itself, some seconds after the Deployment is available.
await_autoscaler() {
  persist "wait for the autoscaler" is_scaled "$1" "$2" || late "HorizontalPodAutoscaler $1/$2 has not made its least number of pods"
  if [ -z "$said" ]; then return; fi
  say "  $said"
  roll_out "$1" "${said%% has *}" "is not available with the pods that its autoscaler made"
}
# Says how many pods there are, where that is more than one.
is_scaled() {
  scale=$(kn "$1" get horizontalpodautoscaler.autoscaling "$2" -o jsonpath='{.spec.minReplicas} {.status.currentReplicas} {.spec.scaleTargetRef.name}') || return
  printf '%s\n' "$scale" | awk '
    NF == 3 && $2 >= $1 { if ($1 > 1) print $3 " has " $2 " pods"; exit }
    $1 > 1 { print "timed out waiting for the autoscaler: " $NF " has fewer pods than " $1; exit 1 }'
}

await_address() {
  say "Wait for the ALB of Ingress $1/$2"
  persist "wait for the ALB" address_of "$1" "$2" || {
    show_ingress "$1" "$2"
    late "Ingress $1/$2 has no ALB"
  }
  address=$said
  say "  $address"
}
address_of() {
  address=$(kn "$1" get "$INGRESS_KIND" "$2" -o jsonpath='{.status.loadBalancer.ingress[0].hostname}') || return
  [ -n "$address" ] || not_yet "no address yet for Ingress $1/$2" || return
  say "$address"
}

# Without a domain of one's own, Knative names Services below the ALB's name, which no DNS resolves: callers send the
# Host header themselves. A name that somebody else chose stays.
set_domain() {
  domain=$DOMAIN
  if [ -n "$DOMAIN" ] || [ -z "$DOMAIN_NAMESPACE" ]; then return; fi
  # shellcheck disable=SC2016 # a template of kubectl's
  must "read config-domain" kn "$DOMAIN_NAMESPACE" get configmap config-domain -o go-template='{{range $key, $value := .data}}{{$key}}{{"\n"}}{{end}}'
  theirs=$(printf '%s\n' "$said" | sed '/^$/d; /^_example$/d')
  stale=
  for name in $theirs; do
    case $name in
    *.elb.*amazonaws.com*) stale="$stale\"$name\":null," ;;
    *)
      domain=$name
      note "config-domain names $name, which is not of this render: it stays"
      return
      ;;
    esac
  done
  domain=$address
  if [ "$theirs" = "$address" ]; then return; fi
  must "set config-domain" kn "$DOMAIN_NAMESPACE" patch configmap config-domain --type merge --patch "{\"data\":{$stale\"$address\":\"\"}}"
  say "config-domain is $address now"
}

say_how_to_call() {
  say ""
  if [ -n "$DOMAIN" ]; then say "Make a DNS record: *.$DOMAIN, an alias (or CNAME) of $address"; fi
  if [ -z "$domain" ]; then return; fi
  say "Call a Service \`hello\`, with or without that name in any DNS:"
  if [ "$SCHEME" = https ]; then
    say "  curl --connect-to ::$address: https://$EXAMPLE.$domain"
  else
    say "  curl -H 'Host: $EXAMPLE.$domain' http://$address"
  fi
}

# The controller puts readiness gates on pods that start when it knows the Ingress, and the gateway's first ones are older. A
# restart, once, is enough; pods that have the gate are left alone.
gate_gateway() {
  if [ -z "$GATED" ]; then return; fi
  must "look for readiness gates" any "${GATED%/*}" get pods --selector app="${GATED#*/}" -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{if not .spec.readinessGates}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}{{end}}'
  if [ -z "$said" ]; then return; fi
  say "Restart the gateway, whose pods started before there was an Ingress to gate them"
  must "restart the gateway" kn "${GATED%/*}" rollout restart "deployment/${GATED#*/}"
  roll_out "${GATED%/*}" "${GATED#*/}" "is not available after its restart"
}

