# The scenarios of the race. Sourced by scripts/bench.
# scenario NAME sets: mode (how REGISTER is challenged), shards and cores (of our server), fresh (1: a server starts anew for each run), racing (who
# takes part), times (how often), before, load and registering (words behind `sip load`: what is played first, what is measured, and how users register). Numbers come from the caller: runs, seconds, warmup, pairs, users, links, at_once.
# Those that go with one mode stand together, so that a server that is warm stays so.
all_scenarios="call-udp-udp call-ws-ws call-wss-wss call-ws-udp call-udp-ws message-udp message-ws
  options-udp options-ws steady-udp steady-ws
  register-md5-udp register-md5-ws register-sha256-udp register-sha256-ws connect-ws connect-wss memory-ws memory-wss knee-udp knee-ws"
growth_scenarios="growth-links-100 growth-links-1000 growth-links-10000 growth-links-19000 growth-bindings-1000 growth-bindings-100000 growth-bindings-1000000 growth-shards-1 growth-shards-2"

scenario() {
  local kind=${1%%-*} rest=${1#*-}
  mode=plain shards=1 cores=1 fresh=0 times=$runs before=() racing=("${names[@]}")
  local window=(--duration "$seconds" --warmup "$warmup" --coalesce 200) playing=(--pairs "$pairs" --concurrency "$at_once" --sockets "$sockets")
  case $kind in
  call) load=(call --caller "${rest%-*}" --callee "${rest#*-}" "${window[@]}" "${playing[@]}") ;;
  message | options) load=("$kind" --transport "$rest" "${window[@]}" "${playing[@]}") ;;
  steady) load=(call --transport "$rest" --rate "$steady_rate" --pairs "$pairs" --sockets "$sockets" --duration "$seconds" --warmup "$warmup") ;;
  register)
    mode=${rest%-*}
    # A phone has a socket of its own.
    registering=(register --users "$users" --sockets "$users" --refresh max --registers-in-flight 128 --password "$password" --algorithm "$mode")
    load=("${registering[@]}" --transport "${rest#*-}" --hold "$seconds" --warmup "$warmup" --coalesce 200)
    ;;
  connect) load=(register --transport "$rest" --users "$connects" --only-connect) && [ "$rest" != wss ] || load+=(--greet) ;;
  memory) fresh=1 load=(register --transport "$rest" --users "$links" --warmup "$hold" --hold "$hold") && [ "$rest" != wss ] || load+=(--greet) ;;
  # A search of many runs in itself.
  knee) fresh=1 times=1 load=(knee --transport "$rest" --pairs "$pairs" --start-rate "$knee_start" --most-rate "$knee_most" --rest "$rest_seconds" --sockets "$sockets" --step-seconds "$knee_seconds" --duration "$seconds" --warmup "$warmup") ;;
  growth)
    fresh=1 times=1 racing=(sip) load=(message "${window[@]}" --concurrency 100)
    case ${rest%-*} in
    links) load+=(--transport ws --pairs $((${rest#*-} / 2))) ;;
    # Others are registered, and stay; those who play come besides.
    bindings) load+=(--transport udp --pairs "$pairs" --sockets "$sockets") before=(register --transport udp --first-user 1000000 --users "${rest#*-}" --registers-in-flight 256 --keep) ;;
    # A server of several shards has the generator's core too: it can only lose by that.
    shards) load=(call --caller ws --callee ws "${window[@]}" "${playing[@]}") shards=${rest#*-} && { [ "$shards" = 1 ] || cores=0-$((shards - 1)); } ;;
    esac
    ;;
  *)
    echo "There is no scenario $1; there are: $all_scenarios $growth_scenarios" >&2
    exit 2
    ;;
  esac
}
