#!/bin/bash
# Writes a suite for pg_regress into the directory $1: Debian packages the program, not PostgreSQL's own suite.
set -euo pipefail
mkdir -p "$1/sql" "$1/expected"
cd "$1"
cat > schedule << 'TEXT'
test: tables
test: indexes toast partitions copies
test: transactions vacuums
test: large_objects
test: tablespaces
TEXT
cat > sql/tables.sql << 'TEXT'
CREATE TABLE words(id int PRIMARY KEY, word text NOT NULL, at timestamptz, amount numeric(12,2), list int[], document jsonb);
INSERT INTO words SELECT i, md5(i::text), timestamptz '2000-01-01 00:00:00+00' + i * interval '7 minutes', (i * 37 % 1000) / 7.0,
  ARRAY[i, i * 2, i % 5], jsonb_build_object('n', i, 'even', i % 2 = 0, 'tags', ARRAY[md5((i % 50)::text)])
  FROM generate_series(1, 20000) i;
ANALYZE words;
SELECT count(*), sum(amount), min(word), max(word), sum(list[2]) FROM words;
UPDATE words SET amount = amount + 1 WHERE id % 3 = 0;
DELETE FROM words WHERE id % 17 = 0;
SELECT count(*), sum(amount) FROM words;
SELECT document->>'even' AS even, count(*) FROM words GROUP BY 1 ORDER BY 1;
CREATE MATERIALIZED VIEW summary AS SELECT id % 10 AS rest, sum(amount) AS total FROM words GROUP BY 1;
SELECT * FROM summary ORDER BY 1;
INSERT INTO words VALUES (1, 'again');
TEXT
cat > sql/indexes.sql << 'TEXT'
CREATE TABLE indexed AS SELECT i AS id, md5(i::text) AS word, point(i % 100, i / 100) AS place, ARRAY[i % 7, i % 11] AS list,
  int4range(i, i + 10) AS span FROM generate_series(1, 15000) i;
CREATE INDEX ON indexed(id);
CREATE INDEX ON indexed USING hash(word);
CREATE INDEX ON indexed USING gist(place);
CREATE INDEX ON indexed USING gin(list);
CREATE INDEX ON indexed USING brin(id);
CREATE INDEX ON indexed USING spgist(span);
CREATE INDEX CONCURRENTLY by_word ON indexed(word text_pattern_ops);
SET enable_seqscan = off;
SELECT count(*) FROM indexed WHERE id BETWEEN 500 AND 1500;
SELECT id FROM indexed WHERE word = md5('77');
SELECT count(*) FROM indexed WHERE place <@ box '((10,10),(20,20))';
SELECT count(*) FROM indexed WHERE list @> ARRAY[3, 5];
SELECT count(*) FROM indexed WHERE span @> 1234;
SELECT count(*) FROM indexed WHERE word LIKE 'ab%';
DELETE FROM indexed WHERE id % 2 = 0;
VACUUM (ANALYZE, INDEX_CLEANUP on) indexed;
REINDEX TABLE CONCURRENTLY indexed;
SELECT count(*) FROM indexed WHERE id BETWEEN 500 AND 1500;
CLUSTER indexed USING by_word;
SELECT id FROM indexed LIMIT 3;
TEXT
cat > sql/toast.sql << 'TEXT'
CREATE TABLE large(id int PRIMARY KEY, plain text, packed text);
ALTER TABLE large ALTER plain SET STORAGE EXTERNAL;
INSERT INTO large SELECT i, (SELECT string_agg(md5((i * 1000 + j)::text), '') FROM generate_series(1, 500) j), repeat(md5(i::text), 3000)
  FROM generate_series(1, 200) i;
SELECT sum(length(plain)), sum(length(packed)), md5(string_agg(md5(plain), '' ORDER BY id)) FROM large;
UPDATE large SET plain = substr(plain, 5000) || 'x' WHERE id % 4 = 0;
DELETE FROM large WHERE id % 5 = 0;
VACUUM FULL large;
SELECT sum(length(plain)), sum(length(packed)), md5(string_agg(md5(plain), '' ORDER BY id)) FROM large;
TEXT
cat > sql/partitions.sql << 'TEXT'
CREATE TABLE events(id bigint, at date NOT NULL, value int) PARTITION BY RANGE (at);
SELECT format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', m,
  date '2020-01-01' + m * 10, date '2020-01-01' + m * 10 + 10) FROM generate_series(0, 11) m \gexec
CREATE INDEX ON events(id);
INSERT INTO events SELECT i, date '2020-01-01' + (i % 120), i FROM generate_series(1, 24000) i;
SELECT tableoid::regclass, count(*) FROM events GROUP BY 1 ORDER BY min(id);
ALTER TABLE events DETACH PARTITION events_3;
DROP TABLE events_4;
TRUNCATE events_5;
SELECT count(*), sum(value) FROM events;
TEXT
cat > sql/copies.sql << 'TEXT'
CREATE TABLE copied AS SELECT * FROM words WHERE id < 3000;
\set file `mktemp -u`
COPY (SELECT * FROM copied ORDER BY id) TO :'file' (FORMAT csv, HEADER);
CREATE TABLE again (LIKE copied);
COPY again FROM :'file' (FORMAT csv, HEADER);
SELECT count(*) FROM (TABLE copied EXCEPT TABLE again) difference;
COPY copied TO :'file' (FORMAT binary);
TRUNCATE again;
COPY again FROM :'file' (FORMAT binary);
SELECT count(*) FROM (TABLE copied EXCEPT TABLE again) difference;
SELECT pg_relation_size('again') = pg_relation_size('copied') AS same_size;
\setenv file :file
\! rm -f "$file"
TEXT
cat > sql/transactions.sql << 'TEXT'
CREATE TABLE accounts(id int PRIMARY KEY, balance int CHECK (balance >= 0));
INSERT INTO accounts SELECT i, 100 FROM generate_series(1, 1000) i;
BEGIN;
UPDATE accounts SET balance = balance - 10 WHERE id <= 500;
SAVEPOINT one;
UPDATE accounts SET balance = balance - 1000 WHERE id = 1;
ROLLBACK TO one;
UPDATE accounts SET balance = balance + 10 WHERE id > 500;
COMMIT;
SELECT sum(balance), min(balance), max(balance) FROM accounts;
BEGIN;
DELETE FROM accounts;
ROLLBACK;
DO $$ BEGIN FOR i IN 1..300 LOOP UPDATE accounts SET balance = balance + 1 WHERE id = i; COMMIT; END LOOP; END $$;
SELECT sum(balance) FROM accounts;
CHECKPOINT;
SELECT sum(balance) FROM accounts;
TEXT
cat > sql/vacuums.sql << 'TEXT'
CREATE UNLOGGED TABLE churn(id int, x text);
DO $$ BEGIN FOR i IN 1..10 LOOP
  INSERT INTO churn SELECT j, repeat('x', 500) FROM generate_series(1, 1000) j;
  DELETE FROM churn WHERE id > 100;
END LOOP; END $$;
VACUUM churn;
SELECT count(*), pg_relation_size('churn') > 0 AS stored FROM churn;
ALTER TABLE churn SET LOGGED;
VACUUM FULL churn;
SELECT count(*) FROM churn;
TRUNCATE churn;
SELECT pg_relation_size('churn');
TEXT
cat > sql/large_objects.sql << 'TEXT'
SELECT lo_from_bytea(4242, decode(repeat('0123456789abcdef', 40000), 'hex'));
SELECT length(lo_get(4242)), md5(lo_get(4242));
SELECT lo_put(4242, 100000, decode('ffff', 'hex'));
SELECT md5(lo_get(4242)), lo_get(4242, 99999, 4);
SELECT lo_unlink(4242);
SELECT lo_get(4242);
TEXT
cat > sql/tablespaces.sql << 'TEXT'
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE elsewhere LOCATION '';
CREATE TABLE moved AS SELECT * FROM words WHERE id < 5000;
ALTER TABLE moved SET TABLESPACE elsewhere;
SELECT count(*), sum(amount) FROM moved;
ALTER TABLE moved SET TABLESPACE pg_default;
DROP TABLESPACE elsewhere;
SELECT count(*), sum(amount) FROM moved;
CREATE DATABASE copy_of_template STRATEGY file_copy;
DROP DATABASE copy_of_template;
TEXT
for file in sql/*.sql; do : > "expected/$(basename "$file" .sql).out"; done
