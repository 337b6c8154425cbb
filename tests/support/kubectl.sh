#!/bin/sh
# A kubectl for tests. The cluster is the folder $FAKE: one file for each object in objects/, and a log of all calls. It
# obeys these files, where they are there:
#   refuse        lines `TIMES|PATTERN|MESSAGE`: so many calls that match fail with the message (`\n` breaks a line)
#   kill          the number of the call in the middle of which the caller, whose pid is in `pid`, is killed
#   idle          no controller runs: nothing is looked at, becomes available, finishes, gets an address or goes
#   stuck         with idle: the controllers run, and have no success
#   webhook-down  for so many further calls Knative's webhook, once it is configured, answers nobody
#   noise         what every call says on its standard error
#   empty-slices  so many further looks at EndpointSlices find `endpoints: null`, as in the first moment
#   stays         kinds that are not gone after a delete, one a line
#   slow-scaler   so many further looks at an HPA find it short of its least number of pods
#   uids/OBJECT, marks/OBJECT   the uid of an object that is not the one it got first; what others wrote on it
#   context cluster server version nodes controller controller-webhook cert-manager running job   what is said of these
set -u
cd "$FAKE" || exit 99
calls=$(($(cat calls 2>/dev/null || echo 0) + 1))
echo $calls >calls
printf '%s\n' "$*" | tr '\n' ' ' | sed 's/ $//' >>log
echo >>log
mkdir -p objects

said() { if [ -e "$1" ]; then cat "$1"; else printf '%s\n' "$2"; fi; }
refuse() {
  printf '%s\n' "$*" >&2
  exit 1
}
if [ -e noise ]; then cat noise >&2; fi
dying=
if [ "$(cat kill 2>/dev/null)" = $calls ]; then dying=1; fi
die() {
  rm -f kill
  kill -9 "$(cat pid)"
  exit 1
}
down=$(cat webhook-down 2>/dev/null || echo 0)
if [ "$down" -gt 0 ] && [ -e objects/deployment~knative-serving~webhook ]; then echo $((down - 1)) >webhook-down; fi

namespace='' selector='' output='' file='' files='' dry='' all='' everywhere='' timeout='' patch='' names=''
while [ $# -gt 0 ]; do
  case $1 in
  --namespace) namespace=$2 && shift ;;
  --selector) selector=$2 && shift ;;
  -o) output=$2 && shift ;;
  -f) file=$2 files="$files$2
" && shift ;;
  --patch) patch=$2 && shift ;;
  --context | --field-selector | --type | --raw) shift ;;
  --dry-run=*) dry=${1#*=} ;;
  --timeout=*) timeout=${1#*=} ;;
  --all) all=1 ;;
  --all-namespaces) everywhere=1 ;;
  --*) ;;
  *) names="$names $1" ;;
  esac
  shift
done
# shellcheck disable=SC2086 # words
set -- $names
verb=$1
shift

if [ -e refuse ]; then
  line=$(tail -n 1 log)
  rules=$(cat refuse)
  while IFS='|' read -r times pattern message; do
    # shellcheck disable=SC2254 # it is a pattern
    case $line in
    $pattern)
      if [ "$times" -gt 0 ]; then
        awk -F'|' -v OFS='|' -v p="$pattern" '$2 == p && $1 > 0 { $1-- } { print }' <<END >refuse
$rules
END
        [ -z "$dying" ] || die
        # shellcheck disable=SC2059 # with its line breaks
        printf "$message\n" >&2
        exit 1
      fi
      ;;
    esac
  done <<END
$rules
END
fi

# A kind as it stands in the names of files: one, in lower case; that of a CRD as the CRD is named.
canon() {
  case $1 in crd) echo customresourcedefinition && return ;; esac
  printf '%s\n' "$1" | awk '{
    split($1, part, "."); group = substr($1, length(part[1]) + 2); kind = part[1]
    if (group ~ /\./ && group !~ /\.k8s\.io$/) { if (kind !~ /s$/ && !sub(/y$/, "ies", kind)) kind = kind "s"; print kind "." group; exit }
    if (!sub(/sses$/, "ss", kind) && !sub(/ies$/, "y", kind)) sub(/[^s]s$/, substr(kind, length(kind) - 1, 1), kind)
    print kind }'
}
lines_of() { printf '%s' "$1" | tr ',' '\n' | tr '{' '\n' | tr '}' '\n'; }
# The uid of an object; each object has one of its own, and keeps it.
uid_of() { if [ -e "uids/$1" ]; then cat "uids/$1"; else printf '%s\n' "$1" | tr '[:upper:]' '[:lower:]' | tr -c '0-9a-z\n' -; fi; }
# apiVersion, kind, namespace, name and file of each object in manifests.
parsed() {
  IFS='
'
  # shellcheck disable=SC2086 # a line for each file
  awk '
    function end(  group, kind) {
      if (api == "") return
      group = api; if (!sub(/\/.*/, "", group)) group = ""
      kind = tolower(k)
      if (group ~ /\./ && group !~ /\.k8s\.io$/) { if (!sub(/[^a]y$/, substr(kind, length(kind) - 1, 1) "ies", kind)) sub(/[^s]$/, "&s", kind); kind = kind "." group }
      print api, k, ns == "" ? "-" : ns, name, kind "~" ns "~" name
      api = k = ns = name = ""
    }
    FNR == 1 || /^---/ { end() }
    /^apiVersion: / { api = $2 }
    /^kind: / { k = $2 }
    /^[a-z]/ { top = $1; step = 0; next }
    top == "metadata:" && !step { match($0, /^ */); step = RLENGTH }
    top == "metadata:" { match($0, /^ */); at = RLENGTH }
    top == "metadata:" && at == step && $1 == "name:" { name = $2; gsub(/"/, "", name) }
    top == "metadata:" && at == step && $1 == "namespace:" { ns = $2 }
    END { end() }' $files
}
is_up() { [ ! -e idle ] && [ "$(cat webhook-down 2>/dev/null || echo 0)" -eq 0 ] && [ -e objects/deployment~knative-serving~webhook ]; }

case "$verb $*" in
'get crd clusterissuers.cert-manager.io')
  [ -z "$dying" ] || die
  said cert-manager customresourcedefinition.apiextensions.k8s.io/clusterissuers.cert-manager.io
  exit
  ;;
esac
case $verb in
config)
  [ -z "$dying" ] || die
  case $1 in
  current-context) said context prod ;;
  view) case $output in *server*) said server https://ABC.gr7.eu-west-1.eks.amazonaws.com ;; *) said cluster arn:aws:eks:eu-west-1:123456789012:cluster/prod ;; esac ;;
  esac
  ;;
apply)
  webhook=up
  if [ -e objects/validatingwebhookconfiguration~~config.webhook.serving.knative.dev ] && ! is_up; then webhook=down; fi
  awk -v selector="$selector" -v dry="$dry" -v half="$dying" -v webhook=$webhook '
    function exists(file,  line, read) { read = getline line < file; close(file); return read >= 0 }
    function end(  file, kind, group, key, old, was, l, wanted) {
      if (text == "" || api == "") { text = ""; return }
      group = api; if (!sub(/\/.*/, "", group)) group = ""
      kind = tolower(k)
      if (group ~ /\./ && group !~ /\.k8s\.io$/) { if (!sub(/[^a]y$/, substr(kind, length(kind) - 1, 1) "ies", kind)) sub(/[^s]$/, "&s", kind); kind = kind "." group }
      wanted = 1
      if (selector ~ / notin /) wanted = !(app != "" && index(selector, app))
      else if (selector ~ / in /) wanted = app != "" && index(selector, app)
      else if (selector != "") wanted = selector == "app=" app
      if (wanted) { n++; kinds[n] = kind; spaces[n] = ns; called[n] = name; texts[n] = text }
      text = api = k = ns = name = app = ""
    }
    /^---/ { end(); next }
    { text = text $0 "\n" }
    /^apiVersion: / { api = $2 }
    /^kind: / { k = $2 }
    /^[a-z]/ { top = $1; step = 0; next }
    top == "metadata:" && !step { match($0, /^ */); step = RLENGTH }
    top == "metadata:" { match($0, /^ */); at = RLENGTH }
    top == "metadata:" && at == step && $1 == "name:" { name = $2; gsub(/"/, "", name) }
    top == "metadata:" && at == step && $1 == "namespace:" { ns = $2 }
    top == "metadata:" && at > step && $1 == "app:" { app = $2 }
    END {
      end()
      for (i = 1; i <= n; i++) if (kinds[i] ~ /\./) {
        if (!exists("objects/customresourcedefinition~~" kinds[i])) {
          print "error: resource mapping not found for name: \"" called[i] "\": no matches for kind \"" kinds[i] "\"\nensure CRDs are installed first" > "/dev/stderr"
          exit 1
        }
      }
      for (i = 1; i <= (half ? int(n / 2) : n); i++) {
        if (spaces[i] != "" && spaces[i] != "kube-system" && !exists("objects/namespace~~" spaces[i]) && dry != "client") {
          print "Error from server (NotFound): error when creating \"f\": namespaces \"" spaces[i] "\" not found" > "/dev/stderr"
          bad = 1; continue
        }
        if (webhook == "down" && kinds[i] == "configmap" && spaces[i] == "knative-serving" && called[i] !~ /^knrender/) {
          print "Error from server (InternalError): error when applying patch:\n{\"data\":{}}\nto:\nName: \"" called[i] "\"\nfor: \"f\": error when patching \"f\": Internal error occurred: failed calling webhook \"config.webhook.serving.knative.dev\": failed to call webhook: no endpoints available for service \"webhook\"" > "/dev/stderr"
          bad = 1; continue
        }
        file = "objects/" kinds[i] "~" spaces[i] "~" called[i]
        was = ""; while ((getline l < file) > 0) was = was l "\n"
        close(file)
        print kinds[i] "/" called[i] " " (was == "" ? "created" : was == texts[i] ? "unchanged" : "configured") (dry ? " (" dry " dry run)" : "")
        if (!dry) { printf "%s", texts[i] > file; close(file) }
      }
      exit bad
    }' "$file"
  code=$?
  [ -z "$dying" ] || die
  exit $code
  ;;
delete)
  kind=$(canon "$1")
  shift
  if [ -n "$all" ]; then
    for object in objects/"$kind"~*; do set -- "$@" "${object##*~}"; done
  fi
  for name; do
    for object in "objects/$kind~$namespace~$name" ${everywhere:+objects/"$kind"~*~"$name"}; do
      [ -e "$object" ] || continue
      echo "$kind \"$name\" deleted"
      [ -z "$dry" ] || continue
      if [ -e stays ] && grep -qxF "$kind" stays; then continue; fi
      rm "$object"
      if [ "$kind" = namespace ]; then rm -f objects/*~"$name"~*; fi
      case $kind-$name in configmap-config-domain | namespace-knative-serving) rm -f domains ;; esac
      [ -z "$dying" ] || die
    done
  done
  [ -z "$dying" ] || die
  ;;
patch)
  [ "$2" = config-domain ] || refuse "error: no"
  for name in $(lines_of "$patch" | sed -n 's/^"\([^"]*\)":null$/\1/p'); do
    grep -vxF "$name" domains >domains.new
    mv domains.new domains
  done
  lines_of "$patch" | sed -n 's/^"\([^"]*\)":""$/\1/p' >>domains
  [ -z "$dying" ] || die
  echo "configmap/config-domain patched"
  ;;
wait | rollout)
  [ -z "$dying" ] || die
  case "$*" in
  *crd/*) for crd; do [ -e "objects/customresourcedefinition~~${crd#crd/}" ] || refuse "Error from server (NotFound): $crd not found"; done ;;
  *)
    case ${2:-} in
    deployment/*) [ -e "objects/deployment~$namespace~${2#*/}" ] || refuse "Error from server (NotFound): $2 not found" ;;
    esac
    if [ -e idle ]; then
      sleep "${timeout%s}"
      if [ "$verb" = rollout ]; then echo "Waiting for deployment \"${2#*/}\" rollout to finish: 0 of 1 updated replicas are available..."; fi
      refuse "error: timed out waiting for the condition"
    fi
    ;;
  esac
  ;;
api-resources)
  [ -z "$dying" ] || die
  printf '%s\n' configmaps secrets services serviceaccounts deployments.apps jobs.batch horizontalpodautoscalers.autoscaling
  ;;
get)
  [ -z "$dying" ] || die
  if [ -n "$file" ]; then
    parsed | while read -r api kind ns name object; do
      if [ -e "objects/$object" ]; then echo "$api $kind $ns $name $(uid_of "$object")"; fi
    done
    exit 0
  fi
  first=${1:-version}
  case $first-$output in *'define "it"'* | configmap-name) first="$1 as it is" ;; esac
  case $first in
  version) printf '{\n  "major": "1",\n  "gitVersion": "%s"\n}\n' "$(said version v1.36.2-eks-abc)" ;;
  nodes) said nodes node/fargate-ip-10-0-0-1 ;;
  apiservice) echo apiservice/v1beta1.metrics.k8s.io ;;
  ingressclass) said controller ingressclass/alb ;;
  mutatingwebhookconfigurations,*) said controller-webhook 'aws-load-balancer-webhook kube-system aws-load-balancer-webhook-service' ;;
  endpointslices)
    if [ "$(cat empty-slices 2>/dev/null || echo 0)" -gt 0 ]; then
      echo $(($(cat empty-slices) - 1)) >empty-slices
      case $output in jsonpath*'[?('*) refuse 'error: error executing jsonpath: Error executing template: <nil> is not array or slice and cannot be filtered' ;; esac
      exit 0
    fi
    case $selector in
    *=aws-load-balancer-webhook-service) said controller 10.0.0.1 ;;
    *) if is_up; then echo 10.0.0.2; fi ;;
    esac
    ;;
  deployments)
    if [ -n "$everywhere" ]; then
      said controller deployment.apps/aws-load-balancer-controller
    elif [ -e running ]; then
      cat running
    else
      for object in objects/deployment~knative-serving~*; do
        [ -e "$object" ] && sed -n 's|^    app.kubernetes.io/version: *"\{0,1\}\([^"]*\)"\{0,1\}$|knative-serving \1 |p' "$object" | head -n 1
      done
    fi
    ;;
  job) if [ -e "objects/job~$namespace~$2" ] && [ ! -e idle ]; then said job Complete; fi ;;
  pods | events)
    case $output in
    *readinessGates*) if [ -e ungated ]; then cat ungated && rm ungated; fi ;;
    *) echo "No resources found" >&2 ;;
    esac
    ;;
  deployment)
    if [ -e "objects/deployment~$namespace~$2" ]; then case $output in *observedGeneration*) if [ ! -e idle ] || [ -e stuck ]; then echo 1; fi ;; *conditions*) if [ -e idle ]; then echo "$2 False"; else echo "$2 True"; fi ;; *) echo "app=$2," ;; esac fi
    ;;
  configmaps)
    for object in objects/configmap~"$namespace"~knrender-inventory.*; do
      if [ -e "$object" ]; then
        echo "inventory ${object##*~}"
        sed -n 's/^    //p' "$object" | grep -E ' .* .* '
      fi
    done
    ;;
  configmap) printf '_example\n' && cat domains 2>/dev/null ;;
  *)
    kinds=$(printf '%s' "$1" | tr , ' ')
    name=${2:-}
    shift
    case $output in
    *currentReplicas*)
      short=$(cat slow-scaler 2>/dev/null || echo 0)
      least=$(sed -n 's/^  minReplicas: *//p' "objects/$(canon "$kinds")~$namespace~$name")
      if [ "$short" -gt 0 ]; then echo $((short - 1)) >slow-scaler; fi
      target=$(sed -n "/scaleTargetRef/,/name:/s/^    name: *//p" "objects/$(canon "$kinds")~$namespace~$name")
      echo "$least $((short > 0 ? 1 : ${least:-1})) $target"
      ;;
    *load-balancer-attributes*) sed -n 's/.*load-balancer-attributes: //p' "objects/$(canon "$kinds")~$namespace~$name" 2>/dev/null ;;
    *loadBalancer*) if [ -e "objects/$(canon "$kinds")~$namespace~$name" ] && [ ! -e idle ]; then said address k8s-1.eu-west-1.elb.amazonaws.com; fi ;;
    *)
      for kind in $kinds; do
        kind=$(canon "$kind")
        [ -n "$name" ] || set -- '*'
        for name; do
          # shellcheck disable=SC2231 # the name may be a pattern
          for object in objects/"$kind~$namespace"~$name ${everywhere:+objects/"$kind"~*~$name}; do
            [ -e "$object" ] || continue
            case $output-$kind in
            name-customresourcedefinition) echo "customresourcedefinition.apiextensions.k8s.io/${object##*~}" ;;
            name-*) echo "$kind/${object##*~}" ;;
            *'define "it"'*) echo "${object##*~} $(uid_of "${object#objects/}") $(cat "marks/${object#objects/}" 2>/dev/null)" ;;
            *.apiVersion*)
              its_space=${object#*~}
              echo "$(sed -n 's/^apiVersion: //p' "$object") $(sed -n 's/^kind: //p' "$object") ${its_space%~*} ${object##*~}" | sed 's/  / - /'
              ;;
            *) echo "${object##*~}" ;;
            esac
          done
        done
      done
      ;;
    esac
    ;;
  esac
  exit 0
  ;;
logs) echo "a log" ;;
*) refuse "error: unknown command \"$verb\"" ;;
esac
