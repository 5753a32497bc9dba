/*
 * Leases, checked by exhaustion (Spin).
 *
 * The problem. Contenders that never talk to each other take turns with a lease, which ends at an
 * instant of true time that none of them knows: each has an interval that holds the truth. A process
 * may stop at any line for as long as it likes, and a request or its answer may be under way for as
 * long, or be lost.
 *
 * What is checked, for every interleaving and every interval:
 *
 *  - one holder: whenever a contender finds that its lease is certainly held, the store has given it
 *    to nobody else;
 *  - the fence: a write that comes after a write of a later holder is refused.
 *
 * What is abstracted. Time is discrete and one for all, and the processes do not see it. A reading is
 * any interval that holds it and reaches at most WIDTH to either side, a new one each time. The store
 * does each request in one step. Holders are told apart by how often the lease had been taken
 * (`grant`), which no process sees.
 *
 * Each -D below takes one rule away; Spin must then find a counterexample, or the check could not
 * fail. README.md tells what each one breaks.
 *
 *     NO_CHECK  HELD_BY_EARLIEST  TAKEN_BY_LATEST  END_FROM_REPLY  RENEWED_UNCONFIRMED
 *     EXTENDED_BY_ANYBODY  RELEASE_DELETES  TOKEN_REUSED  FENCE_ADMITS_ALL  FENCE_APART
 */
#ifndef WIDTH
#define WIDTH 2 /* how far an interval reaches beyond the truth, at most */
#endif
#ifndef END
#define END 8 /* time stops here */
#endif
#define TTL 2
#define TURNS 3 /* the lease is taken so often, at most */

byte now = WIDTH;

/* The record of the store. */
byte token, ends;
byte grants; /* how often it was taken; not a part of the record */

/* The resource: the greatest token, and the grant of the last write. */
byte greatest, written;

/* Any interval that holds the truth. */
inline read() {
  select(earliest : now - WIDTH .. now);
  select(latest : now .. now + WIDTH)
}

/* A reading that has been used is no longer part of the state. */
inline forget() { earliest = 0; latest = 0 }

/* Who has the lease no longer, or has never had it. */
inline drop() { mine = 0; grant = 0; my_end = 0; next_end = 0 }

/* What a request needs is read before it is sent. */
inline prepare() {
  atomic {
    read();
#ifdef TAKEN_BY_LATEST
    before = latest;
#else
    before = earliest;
#endif
    next_end = latest + TTL;
    forget()
  }
}

inline take() {
  prepare();
  if
  :: atomic { /* The request arrives. */
      if
      :: ends < before && grants < TURNS ->
#ifdef TOKEN_REUSED
         token = 1;
#else
         token++;
#endif
         grants++;
         ends = next_end;
         mine = token;
         grant = grants;
         printf("%d: contender %d takes the lease until %d, token %d\n", now, _pid, ends, mine)
      :: else -> next_end = 0
      fi;
      before = 0
    }
  :: before = 0; next_end = 0 /* It is lost. */
  fi;
  if
  :: mine != 0 ->
     if
     :: atomic { /* The answer arrives. */
#ifdef END_FROM_REPLY
         read();
         next_end = latest + TTL;
         forget();
#endif
         my_end = next_end;
         next_end = 0
       }
     :: atomic { drop() } /* The answer is lost, or the process is killed. */
     fi
  :: else
  fi
}

inline renew() {
  prepare();
  before = 0;
  confirmed = false;
  if
  :: atomic {
      if
#ifdef EXTENDED_BY_ANYBODY
      :: ends != 0 ->
#else
      :: token == mine ->
#endif
         if
         :: next_end > ends -> ends = next_end
         :: else
         fi;
         confirmed = true
      :: else
      fi
    }
  :: skip /* The request is lost. */
  fi;
  if
  :: atomic {
#ifdef RENEWED_UNCONFIRMED
      true ->
#else
      confirmed ->
#endif
      if
      :: next_end > my_end -> my_end = next_end
      :: else
      fi
    }
  :: skip /* The answer is lost: the old end stays in force. */
  fi;
  next_end = 0;
  confirmed = false
}

inline release() {
  released = mine;
  atomic { drop() } /* Not held from here on. */
  if
  :: atomic {
      if
      :: token == released ->
         ends = 0;
#ifdef RELEASE_DELETES
         token = 0;
#endif
         printf("%d: contender %d lets go\n", now, _pid)
      :: else
      fi
    }
  :: skip
  fi;
  released = 0
}

inline check() {
  atomic {
    read();
    if
#if defined(NO_CHECK)
    :: true ->
#elif defined(HELD_BY_EARLIEST)
    :: earliest < my_end ->
#else
    :: latest < my_end ->
#endif
       printf("%d: contender %d finds that it holds the lease\n", now, _pid);
       assert(grant == grants);
       held = true
    :: else -> held = false
    fi;
    forget()
  }
}

/* The write reaches the resource, at whatever time. */
inline write() {
#ifdef FENCE_APART
  if
  :: mine >= greatest -> admitted = true
  :: else -> admitted = false
  fi;
#endif
  atomic {
#if defined(FENCE_ADMITS_ALL)
    admitted = true;
#elif !defined(FENCE_APART)
    admitted = mine >= greatest;
#endif
    if
    :: admitted ->
       printf("%d: contender %d writes with token %d\n", now, _pid, mine);
       if
       :: mine > greatest -> greatest = mine
       :: else
       fi;
       /* One holder is what the fence must not need. */
       assert(grant >= written);
       written = grant
    :: else -> printf("%d: contender %d is fenced out\n", now, _pid)
    fi;
    admitted = false;
    held = false
  }
}

active [2] proctype contender() {
  byte mine, grant, my_end, next_end, before, released, earliest, latest;
  bool held, confirmed, admitted;
  do
  :: mine == 0 -> take()
  :: mine != 0 ->
     if
     :: check();
        if
        :: held -> write()
        :: else -> atomic { drop() }
        fi
     :: renew()
     :: release()
     fi
  :: break
  od
}

active proctype time() {
  do
  :: now < END -> now++
  :: else -> break
  od
}
