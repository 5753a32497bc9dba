-- The same on every shard. Each server needs max_prepared_transactions: at least as many as there may be
-- transfers at a time, those in doubt included.

-- The present. A transfer locks the rows that it changes.
CREATE TABLE account (
  id int PRIMARY KEY,
  balance bigint NOT NULL
);

-- The past: the balance that a transfer left behind, at its timestamp.
CREATE TABLE version (
  account int NOT NULL,
  timestamp bigint NOT NULL,
  node text COLLATE "C" NOT NULL,
  balance bigint NOT NULL,
  PRIMARY KEY (account, timestamp, node)
);
CREATE INDEX ON version (timestamp, node);
