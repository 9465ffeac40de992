# Runs one PostgreSQL cluster, perhaps a standby of another, for as long as standard input stays open, then stops it and leaves no
# file behind. Whoever holds the other end of standard input need not do anything for that, and may be killed.
#
# Arguments: the folder of PostgreSQL's programs, a free TCP port, "on" if commits are to reach the disk, else "off", and for a
# standby the TCP port of its primary.
# Prints one line, "ready DIRECTORY" or "port taken". Anything else that goes wrong stands on standard error.
bin=$1
port=$2
fsync=$3
primary=$4

directory=$(mktemp -d "${TMPDIR:-/tmp}/jeton-postgres.XXXXXX" || mktemp -d /tmp/jeton-postgres.XXXXXX) || exit 1
data=$directory/data
log=$directory/log
trap 'rm -rf "$directory"' EXIT
# A signal ends the wait below, and with it everything else, in order.
trap : HUP INT TERM

if [ -n "$primary" ]; then
    "$bin/pg_basebackup" --host=127.0.0.1 --port="$primary" --username=postgres --no-password --pgdata="$data" \
        --write-recovery-conf --checkpoint=fast --no-sync >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    # What commits of the primary wait for is not what those of this one wait for once it is promoted.
    echo "synchronous_standby_names = ''" >>"$data/postgresql.auto.conf"
else
    "$bin/initdb" --pgdata="$data" --username=postgres --auth=trust --no-sync --no-instructions \
        --encoding=UTF8 --locale=C.UTF-8 >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi

cat >>"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$directory'
max_connections = 200
fsync = $fsync
full_page_writes = $fsync
# Within the folder, so that a killed server leaves nothing elsewhere.
dynamic_shared_memory_type = mmap
CONF

if ! "$bin/pg_ctl" start --pgdata="$data" --log="$log" --wait --timeout=60 --silent >/dev/null; then
    if grep -q 'Address already in use' "$log"; then echo 'port taken'; exit 1; fi
    cat "$log" >&2
    exit 1
fi

# Tests connect as the owner of their database, who may do nothing else, as in any well-kept installation.
if [ -n "$primary" ] ||
    "$bin/createuser" --host="$directory" --port="$port" --username=postgres --no-password jeton; then
    echo "ready $directory"
    read -r _
fi
# SIGINT ("fast") drops all connections; what does not heed it is killed.
"$bin/pg_ctl" stop --pgdata="$data" --mode=fast --timeout=20 --silent >/dev/null 2>&1 ||
    "$bin/pg_ctl" stop --pgdata="$data" --mode=immediate --timeout=20 --silent >/dev/null 2>&1
