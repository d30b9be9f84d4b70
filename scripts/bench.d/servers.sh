# Starting and stopping the two servers of the race. Sourced by scripts/bench.
# Their ports begin at $base. start NAME MODE sets pid[NAME] and ports[NAME]; MODE is plain, md5 or sha256 (REGISTER challenged so).
declare -A pid=() ports=()
admin=() # more options of ours: its admin surface, where somebody asks it

certify() { # a certificate for this machine in $out
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$out/key.pem" -out "$out/cert.pem" 2>/dev/null
}

pinned() { # CORES COMMAND...: runs it on those cores, where there are several
  if [ "$(nproc)" -gt 1 ] && command -v taskset >/dev/null; then exec taskset -c "$@"; else shift; exec "$@"; fi
}

ready() { # NAME PORT: waits until somebody accepts connections there
  local i
  for i in $(seq 1 300); do
    (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && return
    [ -d "/proc/${pid[$1]}" ] || break
    sleep 0.05
  done
  echo "$1 did not start:" >&2
  tail -20 "$out/$1.log" >&2
  exit 1
}

start() {
  case $1 in
  sip) start_sip "$2" "$base" ;;
  kamailio) start_kamailio "$2" $((base + 10)) ;;
  esac
}

start_sip() {
  local base=$2 access=(--unsafe-no-auth) i
  if [ "$1" != plain ]; then
    access=()
    for ((i = 0; i < users; i++)); do access+=(--user "$(printf 'user%06d:%s' "$i" "$password")"); done
  fi
  ports[sip]="udp=$base,tcp=$base,tls=$((base + 1)),ws=$((base + 2)),wss=$((base + 3))"
  # Kamailio logs nothing per message either.
  Logging__LogLevel__Sip=Error pinned "$cores" dotnet Sip.Server/bin/Release/net10.0/Sip.Server.dll --shards "$shards" --domain "$domain" --pages "127.0.0.1:$((base + 4))" \
    --listen "udp:127.0.0.1:$base" --listen "tcp:127.0.0.1:$base" --listen "tls:127.0.0.1:$((base + 1))" --listen "ws:127.0.0.1:$((base + 2))" --listen "wss:127.0.0.1:$((base + 3))" \
    --certificate "$out/cert.pem" --key "$out/key.pem" "${access[@]}" "${admin[@]}" >"$out/sip.log" 2>&1 </dev/null &
  pid[sip]=$!
  ready sip $((base + 4))
}

start_kamailio() {
  local base=$2 asks=()
  [ "$1" = plain ] || asks=(-A DIGEST)
  [ "$1" = sha256 ] && asks+=(-A DIGEST_SHA256)
  ports[kamailio]="udp=$base,tcp=$base,tls=$((base + 1)),ws=$((base + 2)),wss=$((base + 3))"
  sed -e "s|@SIP@|$base|; s|@TLS@|$((base + 1))|; s|@WS@|$((base + 2))|; s|@WSS@|$((base + 3))|; s|@DOMAIN@|$domain|; s|@PASSWORD@|$password|" \
    -e "s|@CERTIFICATE@|$out/cert.pem|; s|@KEY@|$out/key.pem|; s|@FILES@|$(ulimit -n)|" scripts/bench.d/kamailio.cfg >"$out/kamailio.cfg"
  # Debian's default allocator (qm) is made for debugging and takes half of the time: tlsf is the fast one.
  pinned 1 kamailio -f "$out/kamailio.cfg" -DD -E -x tlsf -X tlsf -b 4194304 -m 4096 -M 32 -P "$out/kamailio.pid" -Y "$out" -w "$out" "${asks[@]}" >"$out/kamailio.log" 2>&1 </dev/null &
  pid[kamailio]=$!
  ready kamailio $((base + 3))
}

stop() { # NAME...
  local name i
  for name in "$@"; do
    [ -n "${pid[$name]:-}" ] || continue
    kill -TERM "${pid[$name]}" 2>/dev/null || true
    for i in $(seq 1 200); do [ -d "/proc/${pid[$name]}" ] || break; sleep 0.05; done
    if [ -d "/proc/${pid[$name]}" ]; then
      local children
      children=$(cat "/proc/${pid[$name]}/task/${pid[$name]}/children" 2>/dev/null || true)
      # shellcheck disable=SC2086
      kill -KILL "${pid[$name]}" $children 2>/dev/null || true
    fi
    wait "${pid[$name]}" 2>/dev/null || true
    unset "pid[$name]"
  done
}
