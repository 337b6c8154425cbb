
# ---- What was asked for ----

# From here on something is changed.
begin() {
  begun=yes
  start_clock "$WAIT"
}

main() {
  yes='' dry_run='' delete='' prune='' inventory_name='' context='' context_is_given='' without_controller='' no_controller='' dry='' begun=''
  case $WAIT in
  '' | *[!0-9]*) fail 2 "KNRENDER_WAIT is \`$WAIT\`, which is not a number of seconds" ;;
  esac
  # Between two looks, one second to five.
  PAUSE=$((WAIT / 60))
  if [ "$PAUSE" -gt 5 ]; then PAUSE=5; elif [ "$PAUSE" -lt 1 ]; then PAUSE=1; fi
  while [ $# -gt 0 ]; do
    case $1 in
    --yes) yes=1 ;;
    --dry-run) dry_run=1 ;;
    --delete) delete=1 ;;
    --prune | --prune-crds | --prune-namespaces) prune="$prune$1 " ;;
    --inventory)
      [ $# -gt 1 ] || fail 2 "--inventory takes a name; --help lists the options"
      inventory_name=$2
      shift
      ;;
    --inventory=*) inventory_name=${1#*=} ;;
    --without-controller) without_controller=1 ;;
    --context)
      [ $# -gt 1 ] || fail 2 "--context takes a name; --help lists the options"
      context=$2 context_is_given=1
      shift
      ;;
    --context=*) context=${1#*=} context_is_given=1 ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail 2 "\`$1\` is not an option; --help lists them" ;;
    esac
    shift
  done
  if [ -z "$yes$dry_run" ] && [ ! -t 0 ]; then
    fail 2 "there is no terminal to ask at; --yes asks nothing, --dry-run changes nothing"
  fi
  folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
  check_whole "$folder"
  if [ -z "$inventory_name" ]; then
    inventory_name=$(basename -- "$folder" | tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9\n' - | sed 's/^-*//; s/-*$//' | cut -c1-63)
    inventory_name=${inventory_name:-render}
  fi
  case $inventory_name in
  *[!a-z0-9-]* | -* | *-) fail 2 "\`$inventory_name\` is no name of an inventory: small letters, digits and dashes inside" ;;
  esac
  trap 'fail 130 "interrupted. Running this again goes on from here."' HUP INT TERM
  choose_context
  # A minute for a server that restarts; one that cannot be reached from here is not waited for longer.
  if [ "$WAIT" -gt 60 ]; then start_clock 60; else start_clock "$WAIT"; fi
  check_server
  read_inventories
  if [ -n "$delete" ]; then
    list=$(objects)
    look_for_left_over ask
    if [ -n "$prune" ]; then list=$(lines "$list" "$(printf '%s' "$goes" | by_place)"); fi
    check_protection
    show_left_over
    warn_of_loss
    confirm "Delete all of this render from this cluster?"
    begin
    delete_list
    say "Done."
    return
  fi
  check_knative
  check_cert_manager
  check_controller
  check_fargate
  check_metrics
  look_for_left_over ask
  list=$goes
  if [ -n "$prune" ]; then check_protection; fi
  show_left_over
  if [ -n "$dry_run" ]; then
    rehearse
    return
  fi
  confirm "Apply to this cluster${prune:+${goes:+, and delete what is left}}?"
  begin
  apply_all
  say "Done."
}

main "$@"
