/*
 * Commit wait, checked by exhaustion (Spin).
 *
 * The problem. Two coordinators that never talk to each other give timestamps to transactions. When one
 * transaction has returned before another begins, its timestamp must be smaller, although neither
 * coordinator knows what the time is: each has an interval that holds the truth.
 *
 * The order of steps that is claimed to be enough, and that coordinator() takes:
 *
 *     lock · choose a timestamp >= latest · prepare · wait until earliest > timestamp ·
 *     make visible · answer
 *
 * What is checked, for every interleaving and every interval:
 *
 *  - external consistency: a timestamp is greater than each one that was `known` when the transaction
 *    took its last lock, that is, than those of all transactions that had returned to somebody, and of
 *    all whose effects were visible, so that it may have seen them;
 *  - snapshots: a read at t (wait until earliest > t; then, on each of two shards, until no transaction
 *    at or below t is undecided) has seen the transactions at or below t, all of them, on both shards.
 *
 * What is abstracted. Time is discrete and one for all, and the processes do not see it. A reading is any
 * interval that holds it and reaches at most WIDTH to either side, a new one each time: width and offset
 * change as they like, which is more than real clocks may do. No step has a duration, and any may take
 * for ever: slow disks, pauses and lost messages are interleavings. A coordinator may be killed once it
 * has prepared. Whoever recovers the transaction knows its stored timestamp and has a reading of its
 * own, and the coordinator's next life has forgotten the last timestamp that it gave.
 *
 * Each -D below takes one step out of order; Spin must then find a counterexample, or the check could
 * not fail. README.md tells what each one breaks.
 *
 *     NO_WAIT  COMMIT_FIRST  ANSWER_FIRST  TIMESTAMP_FIRST  BELOW_LATEST  RELEASE_AT_EQUAL
 *     RELEASE_BY_LATEST  TRUST_TIMER  RECOVER_AT_ONCE  READ_AT_ONCE  READ_UNDECIDED  READ_PREPARED
 */
#ifndef WIDTH
#define WIDTH 2 /* how far an interval reaches beyond the truth, at most */
#endif
#ifndef LAST_BEGIN
#define LAST_BEGIN (WIDTH + 1) /* no transaction begins later */
#endif
#define END (LAST_BEGIN + WIDTH + 2) /* time enough for all to settle */
#define ROUNDS 2                     /* transactions of each coordinator */
#define BIT(x) (1 << (x))

byte now = WIDTH;
byte timestamp[2 * ROUNDS]; /* of each transaction; 0: none chosen yet */
/* Of each shard, sets of transactions: those known there that may yet become visible, and the visible. */
byte undecided[2], visible[2];
byte known; /* the greatest timestamp that has returned or is visible */
byte finished;

inline raise(greatest, t) {
  if
  :: t > greatest -> greatest = t
  :: else
  fi
}

/* Any interval that holds the truth. */
inline read() {
  select(earliest : now - WIDTH .. now);
  select(latest : now .. now + WIDTH)
}

/* A reading that has been used is no longer part of the state. */
inline forget() { earliest = 0; latest = 0 }

/* Each pass is a wake-up, however it came about: the interval is read again. */
inline wait_until_after(t) {
  do
  :: atomic {
      read();
      if
#if defined(RELEASE_AT_EQUAL)
      :: earliest >= t -> forget(); break
#elif defined(RELEASE_BY_LATEST)
      :: latest > t -> forget(); break
#else
      :: earliest > t -> forget(); break
#endif
      :: else -> forget()
      fi
    }
  od
}

/* A hybrid clock's timestamp, with `latest` as the floor. */
inline choose() {
  atomic {
    read();
#ifdef TRUST_TIMER
    timer = now + latest - earliest; /* one unit early, as timers may be */
#endif
#ifdef BELOW_LATEST
    timestamp[x] = (earliest + latest) / 2;
#else
    timestamp[x] = latest;
#endif
    raise(timestamp[x], last + 1);
    last = timestamp[x];
    printf("%d: coordinator %d gives transaction %d the timestamp %d\n", now, _pid, x, last);
    forget()
  }
}

inline settle() {
#if defined(NO_WAIT)
  skip
#elif defined(TRUST_TIMER)
  now >= timer
#else
  wait_until_after(timestamp[x])
#endif
}

/* From here on a shard's readers can tell that there will be a decision. */
inline announce() {
  undecided[0] = undecided[0] | BIT(x);
  undecided[1] = undecided[1] | BIT(x)
}

/* Both locks in one step: nothing that is checked could tell the difference before the second one. */
inline lock() {
  atomic {
    known_before = known;
#ifndef READ_PREPARED
    announce();
#endif
    printf("%d: transaction %d has its locks\n", now, x)
  }
}

/* The durable write, which nobody sees. */
inline prepare() {
  atomic {
#ifdef READ_PREPARED
    announce();
#endif
    printf("%d: transaction %d is prepared\n", now, x)
  }
}

inline make_visible(shard) {
  atomic {
    undecided[shard] = undecided[shard] & ~BIT(x);
    visible[shard] = visible[shard] | BIT(x);
    raise(known, timestamp[x]);
    printf("%d: transaction %d is visible on shard %d\n", now, x, shard)
  }
}

active [2] proctype coordinator() {
  byte x = _pid * ROUNDS; /* the transaction at hand */
  byte last;              /* the hybrid clock */
  byte known_before;
  byte earliest, latest;
#ifdef TRUST_TIMER
  byte timer;
#endif
  do
  :: x < (_pid + 1) * ROUNDS && now <= LAST_BEGIN ->
#ifdef TIMESTAMP_FIRST
    choose();
    lock();
#else
    lock();
    choose();
#endif
    atomic {
      assert(timestamp[x] > known_before);
      known_before = 0
    }
    prepare();
#ifdef ANSWER_FIRST
    atomic { raise(known, timestamp[x]) }
#endif
#ifdef COMMIT_FIRST
    make_visible(0);
    make_visible(1);
#endif
    if
    :: settle()
    :: last = 0; /* killed; somebody recovers the transaction */
#ifndef RECOVER_AT_ONCE
       settle()
#endif
    fi;
#ifndef COMMIT_FIRST
    make_visible(0);
    make_visible(1);
#endif
    x++ /* and the client has its answer; the timestamp is known since it was visible */
  :: break
  od;
  atomic {
    x = 0;
    last = 0;
    finished++
  }
}

#ifdef READ_UNDECIDED
#define MAY_COME(x) false
#else
#define MAY_COME(x) ((undecided[shard] & BIT(x)) && timestamp[x] <= t)
#endif
#define IF_AT_OR_BELOW(x) (BIT(x) * (timestamp[x] > 0 && timestamp[x] <= t))
#define AT_OR_BELOW (IF_AT_OR_BELOW(0) | IF_AT_OR_BELOW(1) | IF_AT_OR_BELOW(2) | IF_AT_OR_BELOW(3))

active proctype reader() {
  byte t, shard;
  byte snapshot[2], expected;
  byte earliest, latest;
  select(t : WIDTH .. END - 1);
#ifndef READ_AT_ONCE
  wait_until_after(t);
#endif
  do
  :: shard < 2 ->
    atomic {
      !(MAY_COME(0) || MAY_COME(1) || MAY_COME(2) || MAY_COME(3)) ->
      snapshot[shard] = visible[shard] & AT_OR_BELOW;
      printf("%d: shard %d is read at %d\n", now, shard, t);
      shard++
    }
  :: else -> break
  od;
  finished == 2;
  expected = AT_OR_BELOW;
  assert(snapshot[0] == expected && snapshot[1] == expected)
}

active proctype time() {
  do
  :: now < END -> now++
  :: else -> break
  od
}
