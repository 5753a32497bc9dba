-- Each step of an order: which service did it, and when by its two clocks.
CREATE TABLE IF NOT EXISTS step (
  id       bigint NOT NULL,            -- the hybrid timestamp
  node     text COLLATE "C" NOT NULL,  -- the service that gave it
  order_id int NOT NULL,
  what     text NOT NULL,
  wall_ms  bigint NOT NULL,            -- what Date.now() said, to compare
  PRIMARY KEY (id, node)
);
