# ---- The story ----

usage() {
  cat <<END
Applies $TITLE, and waits until it is ready.

usage: sh apply.sh [--yes] [--dry-run] [--prune] [--delete] [--context NAME] [--without-controller]

  --yes                 ask nothing
  --dry-run             change nothing: show what would be done. The server judges each object, once the namespaces
                        are there; the second batch can be tried only when the CRDs of the first are in the cluster.
  --delete              delete it again, in reverse: webhooks, Ingress (waits for the ALB to go), custom resources, all
                        the rest, namespaces last
  --prune               delete, in the same order, what an earlier render brought and this one does not have: shown and
                        asked for before, done when all else is ready. CRDs and Namespaces stay, unless --prune-crds or
                        --prune-namespaces is said as well, and what is of somebody else stays. With --delete too.
  --inventory NAME      where it is kept what was brought: ConfigMap knrender-inventory.NAME; without it, the name of
                        the folder. Renders that follow one another from different folders take the same.
  --context NAME        the context of kubectl's configuration; without it, the current one
  --without-controller  the load balancer controller comes later: no ALB is waited for, and its lack is no failure
  -h, --help            this

All waits together end after $WAIT seconds; KNRENDER_WAIT sets another number. A request that hangs may add a minute.
It can be run again after any interruption, and ends in the same state.

exit codes: 0 done; 1 failed, or not ready in time; 2 usage; 3 stopped before anything was changed; 130 interrupted
END
}

main() {
  read_options "$@"
  folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
  check_whole "$folder"
  name_inventory
  trap 'fail 130 "interrupted. Running this again goes on from here."' HUP INT TERM
  choose_context
  start_clock 60 # for a server that restarts; one that cannot be reached from here is not waited for longer
  check_server
  read_inventories
  if [ -z "$delete" ]; then
    check_knative
    #if cert-manager
    check_cert_manager
    #end
    check_controller
    check_fargate
    check_metrics
  fi
  look_for_left_over
  list=$(lines "${delete:+$(objects)}" "${prune:+$(say "$goes" | by_place)}") # what will be deleted
  check_protection
  show_left_over
  check_refusals
  if [ -n "$delete" ]; then
    warn_of_loss
    confirm "Delete all of this render from this cluster?"
    begin
    delete_list
  elif [ -n "$dry_run" ]; then
    rehearse
    return
  else
    confirm "Apply to this cluster${prune:+${goes:+, and delete what is left}}?"
    begin
    apply_all
    [ -z "$prune" ] || prune
  fi
  say "Done."
}

# From here on something is changed.
begin() { begun=yes; start_clock "$WAIT"; }

read_options() {
  yes='' dry_run='' delete='' prune='' inventory_name='' context='' without_controller=''
  no_controller='' dry='' begun=''
  case $WAIT in '' | *[!0-9]*) fail 2 "KNRENDER_WAIT is \`$WAIT\`, which is not a number of seconds" ;; esac
  PAUSE=$((WAIT < 120 ? 1 : WAIT > 300 ? 5 : WAIT / 60)) # seconds between two looks
  while [ $# -gt 0 ]; do
    option=$1
    shift
    if [ "$option" = --context ] || [ "$option" = --inventory ]; then
      [ $# -gt 0 ] || fail 2 "$option takes a name; --help lists the options"
      option=$option=$1
      shift
    fi
    case $option in
    --yes) yes=1 ;;
    --dry-run) dry_run=1 ;;
    --delete) delete=1 ;;
    --prune | --prune-crds | --prune-namespaces) prune="$prune$option " ;;
    --inventory=*) inventory_name=${option#*=} ;;
    --without-controller) without_controller=1 ;;
    --context=*) context=${option#*=} ;;
    -h | --help) usage && exit 0 ;;
    *) fail 2 "\`$option\` is not an option; --help lists them" ;;
    esac
  done
  [ -n "$yes$dry_run" ] || [ -t 0 ] ||
    fail 2 "there is no terminal to ask at; --yes asks nothing, --dry-run changes nothing"
}

name_inventory() {
  by_folder=$(basename -- "$folder" | tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9\n' - |
    sed 's/^-*//; s/-*$//' | cut -c1-63)
  inventory_name=${inventory_name:-${by_folder:-render}}
  case $inventory_name in *[!a-z0-9-]* | -* | *-) ;; *) return ;; esac
  fail 2 "\`$inventory_name\` is no name of an inventory: small letters, digits and dashes inside"
}

