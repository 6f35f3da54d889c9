#!/bin/bash
# PostgreSQL with its data below a directory, for tests. First argument: the directory. Second: what to do.
set -euo pipefail
base=$1
shift
bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/initdb | sort -V | tail -1)")
export PGHOST=$base/../pg-$(basename "$base")-socket PGUSER=postgres PGDATABASE=postgres PGPORT=5999 LC_ALL=C
export PGOPTIONS='-c client_min_messages=warning'
data=$base/pgdata
as_postgres() { (cd / && exec setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=/tmp "$@"); }

create() {
  mkdir -p "$data" "$PGHOST"
  chown postgres "$data" "$PGHOST"
  chmod 700 "$data"
  as_postgres "$bin/initdb" -D "$data" --data-checksums --auth=trust --username=postgres --locale=C --encoding=UTF8 > /dev/null
  cat >> "$data/postgresql.conf" << TEXT
listen_addresses = ''
port = 5999
unix_socket_directories = '$(readlink -f "$PGHOST")'
shared_buffers = 16MB
max_connections = 30
max_wal_size = 64MB
min_wal_size = 32MB
checkpoint_timeout = 30s
autovacuum_naptime = 5s
TEXT
}

start() {
  # It takes a process that has ended and was not waited for yet for a server.
  if [ -e "$data/postmaster.pid" ] && ! ps -o stat= -p "$(pid)" | grep -qv '^Z'; then
    rm -f "$data/postmaster.pid" "$PGHOST"/.s.PGSQL.*.lock
  fi
  as_postgres "$bin/pg_ctl" -D "$data" -w -t 120 -l "$PGHOST/log" start > /dev/null || { cat "$PGHOST/log"; false; }
}
stop() { as_postgres "$bin/pg_ctl" -D "$data" -w -t 120 -m fast stop > /dev/null; }

# SIGKILL to a server and everything that it started. By its process number: its data may be out of reach.
end_of() {
  local main=$1 children
  # A server that is stopped starts nobody else.
  kill -STOP "$main"
  children=$(ps -o pid= --ppid "$main" || true)
  kill -9 "$main" $children 2> /dev/null || true
  while ps -o stat= -p "$main" $children 2> /dev/null | grep -qv '^Z'; do sleep 0.05; done
}

pid() { head -1 "$data/postmaster.pid"; }

bench_create() { as_postgres env PGHOST="$PGHOST" "$bin/pgbench" -i -q -s 2 > /dev/null 2>&1; }
bench() { as_postgres env PGHOST="$PGHOST" "$bin/pgbench" -n -c 4 -j 2 "$@" 2>&1; }

# What pgbench keeps in balance, the indexes, the heap.
verify() {
  as_postgres env PGHOST="$PGHOST" "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 << TEXT
SELECT CASE WHEN (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches)
  AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)
  AND (SELECT coalesce(sum(delta), 0) FROM pgbench_history) = (SELECT sum(bbalance) FROM pgbench_branches)
  THEN 'balanced' ELSE 'not balanced' END;
SELECT count(*) FROM pgbench_accounts;
TEXT
  as_postgres env PGHOST="$PGHOST" "$bin/pg_amcheck" --all --install-missing --heapallindexed --parent-check 2>&1
  echo checked
}

checksums() { as_postgres "$bin/pg_checksums" --check -D "$data" | grep -E 'Bad checksums'; }

# Rows that are noted outside once they are committed; until an error.
rows() {
  as_postgres env PGHOST="$PGHOST" "$bin/psql" -X -q -c 'CREATE TABLE IF NOT EXISTS kept(n bigint PRIMARY KEY, x text)'
  seq "$1" "$2" | sed 's/.*/INSERT INTO kept VALUES (&, repeat(md5(&::text), 20)) RETURNING n;/' \
    | as_postgres env PGHOST="$PGHOST" stdbuf -oL "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 2> /dev/null || true
}
count() { as_postgres env PGHOST="$PGHOST" "$bin/psql" -X -q -A -t -c "SELECT count(*) FROM kept WHERE n BETWEEN $1 AND $2"; }

# pg_regress with the suite in the directory $1; answers of another run in $1/expected. Leaves its answers in $2.
regress() {
  local regress
  regress=$(ls /usr/lib/postgresql/*/lib/pgxs/src/test/regress/pg_regress | sort -V | tail -1)
  mkdir -p "$2"
  chown -R postgres "$2" "$1"
  as_postgres "$regress" --host="$PGHOST" --port=5999 --user=postgres --bindir="$bin" --dlpath="$bin/../lib" \
    --inputdir="$1" --outputdir="$2" --schedule="$1/schedule" --dbname=regress 2>&1 || { cat "$2/regression.diffs"; false; }
}

"$@"
