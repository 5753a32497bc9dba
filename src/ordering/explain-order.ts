/**
 * The chain of proofs between two events.
 *
 * The idea. The events are the nodes of a graph, with an edge from each event to the next of its
 * node, and one from the last event before a message was sent to the receipt. A path is a proof by
 * causes alone. If there is none, an interval may close the gap: let x be an event that follows
 * from a, and y one from which b follows. If x is certainly before y by their intervals, then a is
 * before b. Of all that follow from a, the x with the smallest `latest` does it if any does, and
 * for y the greatest `earliest`.
 *
 * One interval is enough for any chain. Let x1 be before y1 and x2 before y2 by intervals, and x2
 * follow from y1, with true instants t. Then
 *
 *     latest(x1)  <  earliest(y1)  <=  t(y1)  <=  t(x2)  <=  latest(x2)  <  earliest(y2)
 *
 * so x1 is before y2 by intervals, and the middle of the chain is not needed.
 */

import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { withJson } from '../time/json.ts';
import { countWhile } from './count-while.ts';
import {
  checkEvent,
  compareEvents,
  isOrdered,
  messagesOf,
  NO_EARLIEST,
  NO_LATEST,
  type StampedEvent,
} from './event.ts';
import type { Proof } from './relation.ts';

/** One step of a chain. */
export interface ProofStep<E> {
  /** This event is certainly before `later`. */
  readonly earlier: E;
  /** This event is certainly after `earlier`. */
  readonly later: E;
  /** What proves that. */
  readonly because: Proof;
}

/** The order of two events, and what proves it. */
export type OrderExplanation<E> =
  | {
      readonly order: 'before' | 'after';
      /**
       * The chain, from the earlier event to the later one. Each step begins where the last one
       * ended.
       */
      readonly steps: readonly ProofStep<E>[];
      readonly reason?: undefined;
    }
  | {
      readonly order: 'undecided';
      readonly steps: readonly [];
      /**
       * `overlap`: no chain, and the intervals do not decide either. `contradiction`: there is a
       * chain both ways, so a clock, a message or a bound is wrong, see `inversions`. `same-event`:
       * both have the same timestamp and node.
       */
      readonly reason: 'overlap' | 'contradiction' | 'same-event';
    };

interface Vertex<E> {
  readonly event: E;
  readonly effects: Edge<E>[];
  readonly causes: Edge<E>[];
}

interface Edge<E> {
  readonly earlier: Vertex<E>;
  readonly later: Vertex<E>;
  readonly because: Proof;
}

/**
 * The chain of proofs that puts `a` before `b` or after it, over any of `events`, or why there is
 * none. `a` and `b` are among the events, which may be in any order. Of the chains that were found
 * it is the shortest: the direct proof, if there is one.
 *
 * Reads all events and keeps them: choose those of a request, or of some minutes.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when an event is malformed, or `a` or `b` is not
 *   among the events
 * @throws MalformedTimestampError (`ERR_TIMESTAMP_MALFORMED`) when `from` is not a stamp
 * @example
 * const asked = { timestamp: 10n, nodeId: 'web' };
 * const got = { timestamp: 20n, nodeId: 'db', from: '0000000000000000010@web' } as const;
 * const done = { timestamp: 30n, nodeId: 'db' };
 * const { order, steps } = explainOrder([asked, got, done], asked, done);
 * order // 'before'
 * steps.map(({ because }) => because) // ['message', 'same-node']
 */
export function explainOrder<E extends StampedEvent>(
  events: Iterable<E>,
  a: E,
  b: E,
): OrderExplanation<E> {
  const vertices = graphOf(events);
  const first = find(vertices, 'a', a);
  const second = find(vertices, 'b', b);
  if (first === second) return undecided('same-event');
  const before = chain(first, second);
  const after = chain(second, first);
  if (before !== undefined && after !== undefined) return undecided('contradiction');
  const edges = before ?? after;
  if (edges === undefined) return undecided('overlap');
  return { order: before === undefined ? 'after' : 'before', steps: edges.map(stepOf) };
}

function undecided<E>(reason: 'overlap' | 'contradiction' | 'same-event'): OrderExplanation<E> {
  return { order: 'undecided', steps: [], reason };
}

function stepOf<E>({ earlier, later, because }: Edge<E>): ProofStep<E> {
  return withJson({ earlier: earlier.event, later: later.event, because });
}

/** The events in order, with the edges between them. */
function graphOf<E extends StampedEvent>(events: Iterable<E>): readonly Vertex<E>[] {
  if (typeof events !== 'object' || typeof events?.[Symbol.iterator] !== 'function') {
    throw new ArgumentTypeError('events', 'an iterable of events', events);
  }
  const vertices: Vertex<E>[] = [];
  for (const event of events) {
    checkEvent(`events[${vertices.length}]`, event);
    vertices.push({ event, effects: [], causes: [] });
  }
  vertices.sort((x, y) => compareEvents(x.event, y.event));
  const nodes = new Map<string, Vertex<E>[]>();
  for (const vertex of vertices) {
    if (!isOrdered(vertex.event)) continue;
    const { nodeId } = vertex.event;
    const node = nodes.get(nodeId) ?? [];
    nodes.set(nodeId, node);
    const last = node.at(-1);
    if (last !== undefined) connect(last, vertex, 'same-node');
    node.push(vertex);
  }
  for (const vertex of vertices) {
    for (const { timestamp, nodeId } of messagesOf('event', vertex.event)) {
      const node = nodes.get(nodeId) ?? [];
      const sender = node[countWhile(node, ({ event }) => event.timestamp <= timestamp) - 1];
      if (sender !== undefined && sender !== vertex) connect(sender, vertex, 'message');
    }
  }
  return vertices;
}

function connect<E>(earlier: Vertex<E>, later: Vertex<E>, because: Proof): void {
  const edge = { earlier, later, because };
  earlier.effects.push(edge);
  later.causes.push(edge);
}

function find<E extends StampedEvent>(
  vertices: readonly Vertex<E>[],
  name: string,
  event: E,
): Vertex<E> {
  checkEvent(name, event);
  // Unordered events of one node may share a timestamp, and are several events then.
  const vertex =
    vertices.find((each) => each.event === event) ??
    vertices.find((each) => compareEvents(each.event, event) === 0);
  if (vertex === undefined) throw new ArgumentRangeError(name, 'one of the events', event);
  return vertex;
}

/** The shortest chain that puts `a` before `b`. */
function chain<E extends StampedEvent>(a: Vertex<E>, b: Vertex<E>): Edge<E>[] | undefined {
  const following = reach(a, 'effects', 'later');
  const preceding = reach(b, 'causes', 'earlier');
  const pathTo = (end: Vertex<E>): Edge<E>[] => path(following, end, 'earlier').reverse();
  const causal = following.has(b) ? join(pathTo(b)) : undefined;
  const first = [...following.keys()].reduce((x, y) => (latest(y) < latest(x) ? y : x));
  const last = [...preceding.keys()].reduce((x, y) => (earliest(y) > earliest(x) ? y : x));
  // Where an end of the chain does as well, the chain is shorter.
  const x = latest(a) < earliest(last) ? a : first;
  const y = latest(x) < earliest(b) ? b : last;
  if (latest(x) >= earliest(y)) return causal;
  const edge: Edge<E> = { earlier: x, later: y, because: 'interval' };
  const certain = join([...pathTo(x), edge, ...path(preceding, y, 'later')]);
  return causal !== undefined && causal.length <= certain.length ? causal : certain;
}

/** All that can be reached from `start`, each with the edge by which it was reached first. */
function reach<E>(
  start: Vertex<E>,
  edges: 'effects' | 'causes',
  end: 'later' | 'earlier',
): ReadonlyMap<Vertex<E>, Edge<E> | undefined> {
  const reached = new Map<Vertex<E>, Edge<E> | undefined>([[start, undefined]]);
  for (const vertex of reached.keys()) {
    for (const edge of vertex[edges]) {
      if (!reached.has(edge[end])) reached.set(edge[end], edge);
    }
  }
  return reached;
}

/** The edges from `vertex` back to where the search began. */
function path<E>(
  reached: ReadonlyMap<Vertex<E>, Edge<E> | undefined>,
  vertex: Vertex<E>,
  end: 'later' | 'earlier',
): Edge<E>[] {
  const edges: Edge<E>[] = [];
  for (let edge = reached.get(vertex); edge !== undefined; edge = reached.get(edge[end])) {
    edges.push(edge);
  }
  return edges;
}

/** The chain, with several steps along one node made one. */
function join<E>(edges: readonly Edge<E>[]): Edge<E>[] {
  const joined: Edge<E>[] = [];
  for (const edge of edges) {
    const last = joined.at(-1);
    if (last?.because === 'same-node' && edge.because === 'same-node') {
      joined[joined.length - 1] = { ...last, later: edge.later };
    } else joined.push(edge);
  }
  return joined;
}

function earliest({ event }: Vertex<StampedEvent>): bigint {
  return event.earliest ?? NO_EARLIEST;
}

function latest({ event }: Vertex<StampedEvent>): bigint {
  return event.latest ?? NO_LATEST;
}
