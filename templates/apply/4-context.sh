# ---- Which cluster ----

#if cluster
# Whether the context leads to the cluster that this render is for is told by the names that `aws eks update-kubeconfig`
# (an ARN) and eksctl (NAME.REGION.eksctl.io) write.
#end
choose_context() {
  command -v kubectl >/dev/null 2>&1 || fail 3 "kubectl is not installed: https://kubernetes.io/docs/tasks/tools/"
  #if cluster
  named=$context
  #end
  if [ -z "$context" ]; then
    context=$(kubectl config current-context 2>/dev/null) || context=
    [ -n "$context" ] || fail 3 "kubectl has no current context; --context names one, and this makes one:" \
      "\`aws eks update-kubeconfig --name ${CLUSTER:-NAME} --region ${REGION:-REGION}\`"
  fi
  cluster=$(kubectl config view --minify --context "$context" -o jsonpath='{.clusters[0].name}' 2>/dev/null) ||
    fail 3 "kubectl's configuration has no context \`$context\`; \`kubectl config get-contexts\` lists them."
  server=$(kubectl config view --minify --context "$context" -o jsonpath='{.clusters[0].cluster.server}') ||
    server=unknown
  #if cluster
  its_name=''
  its_region=$(printf '%s' "$server" | sed -n 's|^https://[^/]*\.\([a-z0-9-]*\)\.eks\.amazonaws\.com.*|\1|p')
  case $cluster in
  arn:aws*:eks:*:cluster/*) its_name=${cluster##*/} its_region=$(printf '%s' "$cluster" | cut -d: -f4) ;;
  *.*.eksctl.io) its_name=${cluster%%.*} its_region=$(printf '%s' "${cluster#*.}" | sed 's/\.eksctl\.io$//') ;;
  esac
  other=
  if [ -n "$CLUSTER" ] && [ -n "$its_name" ] && [ "$its_name" != "$CLUSTER" ]; then other="cluster $its_name"; fi
  if [ -n "$REGION" ] && [ -n "$its_region" ] && [ "$its_region" != "$REGION" ]; then
    other="${other:-cluster ${its_name:-(name unknown)}} in $its_region"
  fi
  #end
  say "$TITLE"
  say "  context  $context"
  say "  cluster  $cluster"
  say "  server   $server"
  #if cluster
  if [ -z "$other" ]; then return; fi
  say "  WRONG?   that is $other; this render is for cluster $CLUSTER in $REGION"
  [ -z "$yes" ] || [ -n "$named" ] || fail 3 "nothing was changed: the current context is another cluster's." \
    "Name the right one with --context; naming this one goes on with it."
  #end
}

# A folder whose files a killed run left partly swapped is neither render; see the phases in src/output.rs of knrender.
check_whole() {
  if [ ! -e "$1/.knrender-stage" ] && [ ! -L "$1/.knrender-stage" ]; then return; fi
  fail 3 "$1 is partly the old render and partly the new one: a run of knrender was killed while it wrote there, or" \
    "is at work. \`knrender --out DIR\` with the same options completes it. Nothing was changed."
}

confirm() {
  if [ -n "$yes$dry_run" ]; then return; fi
  printf '%s [y/N] ' "$1"
  read -r answer || answer=
  case $answer in y | Y | yes) ;; *) fail 3 "nothing was changed" ;; esac
}

