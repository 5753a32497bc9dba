import type { Stamp } from '../logical/timestamp-text.ts';
import { asUnixNs, type UnixNs, type UnixNsInput } from '../time/instant.ts';
import { jsonForm } from '../time/json.ts';
import { NO_EARLIEST, NO_LATEST, type StampedEvent } from './event.ts';
import type { Entry } from './narrowing.ts';

/** An event with the interval that causality leaves. It is an event itself. */
export interface Narrowed<E> extends StampedEvent {
  /** The event as it was read. */
  readonly event: E;
  /** The event certainly did not happen before this, Unix ns; absent when that is not known. */
  readonly earliest: UnixNs | undefined;
  /** The event certainly happened by this, Unix ns; absent when that is not known. */
  readonly latest: UnixNs | undefined;
}

/** A class, because there are many events and a `toJSON` closure for each would cost too much. */
export class NarrowedEvent<E extends StampedEvent> implements Narrowed<E> {
  readonly event: E;
  readonly earliest: UnixNs | undefined;
  readonly latest: UnixNs | undefined;
  readonly from: Stamp | readonly Stamp[] | undefined;

  constructor({ event, earliest, latest }: Entry<E>, from: StampedEvent['from']) {
    this.event = event;
    this.earliest = earliest === NO_EARLIEST ? undefined : asUnixNs(earliest);
    this.latest = latest === NO_LATEST ? undefined : asUnixNs(latest);
    this.from = from;
  }

  get timestamp(): UnixNsInput {
    return this.event.timestamp;
  }

  get nodeId(): string {
    return this.event.nodeId;
  }

  get ordered(): boolean | undefined {
    return this.event.ordered;
  }

  get time(): UnixNsInput | undefined {
    return this.event.time;
  }

  toJSON(): unknown {
    return jsonForm(this);
  }
}
